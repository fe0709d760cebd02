"""An arm over its loads: where it bends, and how far it keeps its objectives. Pure."""

import math
from collections.abc import Sequence

from stepeval.analysis.load_values import ArmLoad, Curve, Figures, Holding
from stepeval.core.chat import FailureKind
from stepeval.core.load import FIXED_RATE, Shape, Verdict
from stepeval.stats.knee import knee

_RISE = 1.1
_NOISE = 2  # standard deviations
KEPT = 0.95  # share of requests that must keep every objective for the load to be within them
WORST_FIRST = (Verdict.BROKEN, Verdict.UNCLEAR, Verdict.KEPT)
ANSWERED = 0.95  # and of the rate that was due, what must be answered


def curve(cells: Sequence[ArmLoad], held: Sequence[Holding] = ()) -> Curve:
    """Both of one arm, by load."""
    rising = sorted(cells, key=lambda cell: cell.load)
    best, missed = highest_within(held)
    return Curve(
        arm=rising[0].arm,
        loads=tuple(cell.load for cell in rising),
        knee=_knee(rising),
        highest=None if best is None else best.load,
        held=tuple(held),
        best=best,
        missed=missed,
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


def holding(found: Figures, shape: Shape) -> Holding | None:
    """Whether an arm held a load; None without objectives.

    Kept: the 95% Wilson interval of the share within every objective lies at or above 95%, and,
    where the shape asks for a rate, the answers per second are 95% of the requests due. Broken: the
    interval lies below 95%, or answers are missing beyond two standard deviations of what is in
    flight at a window's two ends. A failed request kept none; whether an answer was right is not
    asked. A load that the user cut short was never kept.
    """
    share = found.in_time
    if share is None or share.value is None or share.low is None or share.high is None:
        return None
    answered = None
    behind = Verdict.KEPT
    if shape in FIXED_RATE:
        behind = _behind(found)
        if found.due_rate and found.done_rate is not None:
            answered = found.done_rate / found.due_rate
    within = Verdict.KEPT if share.low >= KEPT else Verdict.UNCLEAR
    if share.high < KEPT:
        within = Verdict.BROKEN
    if FailureKind.CUT in found.failures and within is Verdict.KEPT:
        within = Verdict.UNCLEAR
    return Holding(found.load, worst((within, behind)), share, answered)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """``verdicts`` is not empty."""
    return min(verdicts, key=WORST_FIRST.index)


def _behind(found: Figures) -> Verdict:
    if not found.due_rate or found.done_rate is None:
        return Verdict.UNCLEAR
    missing = (found.due_rate - found.done_rate) * found.window_s
    allowed = (1 - ANSWERED) * found.due_rate * found.window_s
    if missing <= allowed:
        return Verdict.KEPT
    noise = math.sqrt(2 * found.concurrency * found.repeats)
    return Verdict.BROKEN if missing > allowed + _NOISE * noise else Verdict.UNCLEAR


def highest_within(held: Sequence[Holding]) -> tuple[Holding | None, Holding | None]:
    """``held``, by load: the highest one that was kept with no broken one below it, and the lowest
    one above that which was not kept. An unclear one below says nothing against a kept one.
    """
    best, missed = None, None
    for one in held:
        if one.verdict is Verdict.KEPT:
            best, missed = one, None
        elif missed is None:
            missed = one
        if one.verdict is Verdict.BROKEN:
            break
    return best, missed
