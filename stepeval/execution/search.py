"""Which load comes next: all of a list, or the highest that keeps its promises. Pure."""

from collections.abc import Sequence

_PRECISION = 0.05  # of the rate found; closer than a measured window can tell
_MOST_PROBES = 12


def next_rate(low: float, high: float, tried: Sequence[tuple[float, bool]]) -> float | None:
    """The next load to try, None when the highest good one is known to 5%.

    ``tried``: loads so far, and whether each kept every objective. First ``low``, where a failure
    ends the search; then ``high``, where a success does; then the middle between the highest good
    one and the lowest bad one.
    """
    if not tried:
        return low
    good = max((load for load, kept in tried if kept), default=None)
    if good is None or len(tried) >= _MOST_PROBES:
        return None
    bad = min((load for load, kept in tried if not kept and load > good), default=None)
    if bad is None:
        return high if good < high else None
    return (good + bad) / 2 if bad - good > _PRECISION * good else None


def best_rate(tried: Sequence[tuple[float, bool]]) -> float | None:
    """The highest load that kept every objective."""
    return max((load for load, kept in tried if kept), default=None)
