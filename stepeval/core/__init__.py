"""The nouns of the flow. Standard library only; every other room may import this one."""
