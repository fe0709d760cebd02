"""What a run is told to decide becomes a plan, and a suite that can carry it out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from stepeval.analysis.gated import check_shared, margins_of, pair_arms
from stepeval.analysis.likeness_to_baseline import what_differs
from stepeval.api.asides import check_rendering, with_asides
from stepeval.api.baseline import find_baseline
from stepeval.api.gate_rounds import course_of, gated_items
from stepeval.api.gate_wish import GateWish
from stepeval.core.baseline import Baseline
from stepeval.core.errors import UsageError
from stepeval.core.gate import SCORE, GatePlan, Way
from stepeval.core.record import RunInfo
from stepeval.core.task import Suite

Designed: TypeAlias = tuple[Suite, GatePlan, Baseline | None]


def designed(suite: Suite, wish: GateWish, runs: Path) -> Designed:
    """Raises UsageError: there is no such baseline, or the suite cannot be gated against it so."""
    margins = margins_of(wish.metrics)
    plan = GatePlan(wish.way, margins, wish.inconclusive)
    if wish.way is Way.RACE:
        return _race(suite, plan)
    assert wish.baseline is not None
    baseline = find_baseline(wish.baseline, wish.folder, runs)
    pairs = pair_arms(suite, baseline)
    check_shared(suite, baseline)
    if wish.way is Way.FIXED:
        return suite, plan, baseline
    if len(suite.arms) > 1:
        names = ", ".join(arm.name for arm in suite.arms)
        raise UsageError(f"early stopping gates one arm, and the suite has {names}: say --arm")
    _check_score_alone(suite, margins)
    ((candidate, reference),) = pairs
    plan = replace(plan, candidate=candidate.name, reference=reference.name)
    able = with_asides(suite, candidate, baseline, reference)
    check_rendering(able)
    gated_items(able, plan, baseline)
    return able, plan, baseline


def _race(suite: Suite, plan: GatePlan) -> Designed:
    _check_score_alone(suite, plan.margins)
    if len(suite.arms) < 2:  # noqa: PLR2004 -- alone it has won
        raise UsageError("a race needs at least two arms: give the suite a grid")
    return suite, plan, None


def _check_score_alone(suite: Suite, margins: Mapping[str, float]) -> None:
    if set(margins) != {SCORE}:
        others = ", ".join(sorted(set(margins) - {SCORE})) or "no score"
        raise UsageError(
            f"when to stop is decided by the score alone, not by {others}: gate those on a whole "
            "run, without --early-stop"
        )
    if not suite.scoring:
        raise UsageError("the suite has no scoring rule, so there is no score to go by")


def weaknesses(suite: Suite, plan: GatePlan, baseline: Baseline, info: RunInfo) -> Iterator[str]:
    """What makes the verdict less sure, told before anything is paid for."""
    yield from what_differs(info, suite, baseline, pair_arms(suite, baseline), plan)
    if plan.may_stop:
        yield from _weak_design(suite, plan, baseline)


def _weak_design(suite: Suite, plan: GatePlan, baseline: Baseline) -> Iterator[str]:
    """Where the samples are too few for the margin, it is said before they are paid for."""
    items = gated_items(suite, plan, baseline)
    design = course_of(suite, plan, items).design
    if design.missing:
        yield (
            f"{len(items):,} items are {design.missing:,} short of what shows a drop of "
            f"{100 * plan.margins[SCORE]:g} points nine times in ten; these show one of "
            f"{100 * design.detectable:.1f}"
        )
    left_out = len(suite.samples) - len(items)
    if left_out:
        yield f"{left_out:,} samples are not in baseline {baseline.name}: they are not asked"
