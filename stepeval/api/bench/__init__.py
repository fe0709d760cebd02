"""Load benchmarks: what is asked becomes a plan, the plan phases, the phases a stored run."""
