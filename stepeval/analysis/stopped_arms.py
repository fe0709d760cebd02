"""The arms of a run that stopped by its answers, without figures that stopping makes untrue."""

from collections.abc import Sequence
from dataclasses import replace

from stepeval.analysis.leaderboard import ArmSummary
from stepeval.core.record import Outcome, RunInfo
from stepeval.core.task import Suite
from stepeval.stats.estimate import Estimate

STOPPED = "stopped by its own answers: see the repeated intervals of the gate"


def of_the_grid(
    arms: Sequence[ArmSummary], suite: Suite, info: RunInfo, *, is_over: bool
) -> tuple[ArmSummary, ...]:
    """Without the asides, whose answers only confirm.

    Of a run that may stop early the naive intervals are left out: an interval that a good look
    ended covers less than it says. ``is_over``: what was not asked by then is skipped.
    """
    asides = {arm.name for arm in suite.asides}
    kept = (arm for arm in arms if arm.arm not in asides)
    if not info.may_stop:
        return tuple(kept)
    each = len(suite.samples) * suite.epochs
    return tuple(_stopped(arm, each if is_over else arm.cells) for arm in kept)


def _stopped(arm: ArmSummary, cells: int) -> ArmSummary:
    skipped = {Outcome.SKIPPED: cells - arm.cells} if cells > arm.cells else {}
    return replace(
        arm,
        outcomes={**arm.outcomes, **skipped},
        accuracy=_unbounded(arm.accuracy),
        score=_unbounded(arm.score),
        cost_per_correct=_unbounded(arm.cost_per_correct),
    )


def _unbounded(found: Estimate) -> Estimate:
    return replace(found, low=None, high=None, reason=found.reason or STOPPED)
