"""What a run is told to decide becomes a plan, and a suite that can carry it out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.analysis.gate_metrics import SCORE
from stepeval.analysis.gated import margins_of, pair_arms
from stepeval.analysis.likeness_to_baseline import what_differs
from stepeval.api.asides import check_rendering, with_asides
from stepeval.api.baseline import find_baseline
from stepeval.api.gate_rounds import GateRounds, course_of, gated_items
from stepeval.api.race_rounds import RaceRounds
from stepeval.api.rounds import Rounds
from stepeval.api.scoring import BoundRule
from stepeval.api.sources import Sources
from stepeval.core.baseline import Baseline
from stepeval.core.errors import Problem, UsageError
from stepeval.core.gate import GatePlan, Way
from stepeval.core.record import RunInfo
from stepeval.core.task import Suite
from stepeval.store.run import RunStore


@dataclass(frozen=True, slots=True)
class GateWish:
    """As the command line says it. ``baseline`` is a name, a file or a run in ``folder`` or beside;
    ``metrics`` are names with their margins, None for the usual one.
    """

    way: Way
    metrics: Mapping[str, float | None]
    baseline: str | None = None
    folder: Path = Path("baselines")
    inconclusive: str | None = None


@dataclass(frozen=True, slots=True)
class Gating:
    """``suite`` is what runs: with a gate that may stop early, it can ask the baseline, too."""

    suite: Suite
    plan: GatePlan | None = None
    baseline: Baseline | None = None

    def warnings(self, info: RunInfo) -> Iterator[Problem]:
        if self.plan is None or self.baseline is None:
            return
        pairs = pair_arms(self.suite, self.baseline)
        yield from map(Problem, what_differs(info, self.suite, self.baseline, pairs, self.plan))
        if self.plan.may_stop:
            yield from map(Problem, _weak_design(self.suite, self.plan, self.baseline))


def prepare_gate(suite: Suite, wish: GateWish, runs: Path) -> Gating:
    """Raises:
    UsageError: There is no such baseline, or the suite cannot be gated against it so.
    """
    margins = margins_of(wish.metrics)
    plan = GatePlan(wish.way, margins, wish.inconclusive)
    if wish.way is Way.RACE:
        return _race(suite, plan)
    assert wish.baseline is not None
    baseline = find_baseline(wish.baseline, wish.folder, runs)
    pairs = pair_arms(suite, baseline)
    if wish.way is Way.FIXED:
        return Gating(suite, plan, baseline)
    if len(suite.arms) > 1:
        names = ", ".join(arm.name for arm in suite.arms)
        raise UsageError(f"early stopping gates one arm, and the suite has {names}: say --arm")
    _check_score_alone(suite, margins)
    ((candidate, reference),) = pairs
    plan = replace(plan, candidate=candidate.name, reference=reference.name)
    able = with_asides(suite, candidate, baseline, reference)
    check_rendering(able)
    gated_items(able, plan, baseline)
    return Gating(able, plan, baseline)


def _race(suite: Suite, plan: GatePlan) -> Gating:
    _check_score_alone(suite, plan.margins)
    if len(suite.arms) < 2:  # noqa: PLR2004 -- alone it has won
        raise UsageError("a race needs at least two arms: give the suite a grid")
    return Gating(suite, plan)


def _check_score_alone(suite: Suite, margins: Mapping[str, float]) -> None:
    if set(margins) != {SCORE}:
        others = ", ".join(sorted(set(margins) - {SCORE})) or "no score"
        raise UsageError(
            f"when to stop is decided by the score alone, not by {others}: gate those on a whole "
            "run, without --early-stop"
        )
    if not suite.scoring:
        raise UsageError("the suite has no scoring rule, so there is no score to go by")


def stopping_sources(sources: Sources, plan: GatePlan | None) -> Sources:
    """Without the cache, whose answers are not fresh. Raises UsageError where it was asked for."""
    if plan is None or not plan.may_stop:
        return sources
    if sources.cache is not None:
        raise UsageError("--cache gives old answers, and to decide when to stop takes fresh ones")
    return replace(sources, no_cache=True)


def stopping_rounds(
    suite: Suite,
    store: RunStore,
    rules: tuple[BoundRule, ...],
    plan: GatePlan,
    baseline: Baseline | None,
) -> Rounds:
    """Of a run whose plan may leave cells out."""
    if plan.way is Way.RACE:
        return RaceRounds(suite, store, rules, plan)
    assert baseline is not None
    return GateRounds(suite, store, rules, plan, baseline)


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
