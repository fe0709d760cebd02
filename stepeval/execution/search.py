"""Which load comes next, to find the highest that keeps its promises. Pure."""

import math
from collections.abc import Sequence

from stepeval.core.load import Bracket, Trial, Verdict

_PRECISION = 0.05  # of the rate found; closer than a measured window can tell
_MOST_PROBES = 12
MOST_ROUNDS = 4  # of one load, as long as it is unclear whether it was held


def next_rate(low: float, high: float, tried: Sequence[Trial]) -> float | None:
    """The next load to try, None when the highest good one is known to 5% and was confirmed.

    First ``low``, where anything but success ends the search; then ``high``, where success does;
    then between the highest good load and the lowest one above that is not. What was found is
    tried once more: it was chosen for having done well. Where it fails then, the search goes on
    below it.
    """
    if not tried:
        return low
    found = bracket(tried)
    good, bad = found.kept, found.missed
    if good is None:
        return None
    if bad is None and good.load < high:
        return high
    wide = bad is not None and bad.load - good.load > _PRECISION * good.load
    if wide and bad is not None and len(tried) < _MOST_PROBES:
        return _between(good.load, bad.load)
    return good.load if sum(one.load == good.load for one in tried) == 1 else None


def bracket(tried: Sequence[Trial]) -> Bracket:
    missed = [one for one in tried if one.verdict is not Verdict.KEPT]
    least = min((one.load for one in missed), default=math.inf)
    kept = [one for one in tried if one.load < least]
    lowest = min(missed, key=lambda one: one.load, default=None)
    if not kept:
        return Bracket(None, lowest)
    best = max(one.load for one in kept)
    return Bracket(_pooled([one for one in kept if one.load == best]), lowest)


def _pooled(trials: Sequence[Trial]) -> Trial:
    n = sum(one.n for one in trials)
    share = sum((one.share or 0.0) * one.n for one in trials) / n if n else None
    last = trials[-1]
    return Trial(last.load, last.verdict, share, n, last.answered)


def _between(good: float, bad: float) -> float:
    """The middle, in no more digits than the distance gives a meaning to."""
    digits = -math.floor(math.log10((bad - good) / 2))
    return round((good + bad) / 2, digits)
