"""A suite file becomes a Suite: YAML is read, checked, expanded and rendered here."""
