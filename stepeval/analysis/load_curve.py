"""An arm over its loads: where it bends, and how far it keeps its objectives. Pure."""

from collections.abc import Sequence

from stepeval.analysis.load_values import ArmLoad, Curve
from stepeval.core.chat import FailureKind
from stepeval.stats.knee import knee

_RISE = 1.1
KEPT = 0.95  # share of requests that must keep every objective for the load to be within them


def curve(cells: Sequence[ArmLoad]) -> Curve:
    """``cells``: of one arm."""
    rising = sorted(cells, key=lambda cell: cell.load)
    return Curve(
        rising[0].arm, tuple(c.load for c in rising), _knee(rising), highest_within(rising)
    )


def _knee(rising: Sequence[ArmLoad]) -> float | None:
    """Of answered requests per second against the median response time.

    None, too, where that time is not a tenth longer at the highest load than at the lowest: noise
    has its farthest point somewhere.
    """
    points = [
        (cell.load, time, rate)
        for cell in rising
        if (time := cell.pooled.metrics["response"].p50.value) is not None
        and (rate := cell.pooled.done_rate) is not None
    ]
    if not points or points[-1][1] < _RISE * points[0][1]:
        return None
    place = knee([time for _, time, _ in points], [rate for _, _, rate in points])
    return None if place is None else points[place][0]


def highest_within(rising: Sequence[ArmLoad]) -> float | None:
    """The highest load at which 95% of the requests kept every objective, as they did at each
    measured load below it. A failed request kept none; whether an answer was right is not asked.
    A load that the user cut short shows nothing of itself or of those above.
    """
    best = None
    for cell in rising:
        if FailureKind.CUT in cell.pooled.failures:
            break
        share = cell.pooled.in_time
        if share is None or share.value is None or share.value < KEPT:
            break
        best = cell.load
    return best
