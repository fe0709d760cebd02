"""Where a curve of diminishing returns bends."""

from collections.abc import Sequence

_FEWEST = 3
_CLEAR = 0.1  # of the unit square's side: a straight line with noise stays below


def knee(costs: Sequence[float], gains: Sequence[float]) -> int | None:
    """The place of the point farthest above the chord from the first to the last point.

    Both axes are scaled to 0..1 between those two points: the point with the greatest
    ``gain - cost`` (Satopaa et al. 2011, "Finding a Kneedle in a Haystack", offline form). None
    with fewer than three points, where costs or gains do not rise from the first to the last,
    or where no point stands clear of the chord.
    """
    if len(costs) < _FEWEST:
        return None
    cost, gain = costs[-1] - costs[0], gains[-1] - gains[0]
    if cost <= 0 or gain <= 0:
        return None
    above = [
        (g - gains[0]) / gain - (c - costs[0]) / cost for c, g in zip(costs, gains, strict=True)
    ]
    best = max(range(len(above)), key=above.__getitem__)
    return best if above[best] >= _CLEAR else None
