"""Scorers: a frozen dataclass of options, called with a Sample and a Choice."""
