"""What a run is told to decide, for those who run it: without the weight of what decides."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.gate_wish import GateWish
from stepeval.api.rounds import Rounds
from stepeval.api.scoring import BoundRule
from stepeval.api.sources import Sources
from stepeval.core.baseline import Baseline
from stepeval.core.errors import Problem, UsageError
from stepeval.core.gate import GatePlan, Way
from stepeval.core.record import RunInfo
from stepeval.core.task import Suite
from stepeval.store.run import RunStore

# numpy and scipy, which the deciding needs, take longer to load than many a run takes; so what
# needs them is imported once there is something to decide.


@dataclass(frozen=True, slots=True)
class Gating:
    """``suite`` is what runs: with a gate that may stop early, it can ask the baseline, too."""

    suite: Suite
    plan: GatePlan | None = None
    baseline: Baseline | None = None

    def warnings(self, info: RunInfo) -> tuple[Problem, ...]:
        if self.plan is None or self.baseline is None:
            return ()
        from stepeval.api.gate_design import weaknesses  # noqa: PLC0415 -- see above

        found = weaknesses(self.suite, self.plan, self.baseline, info)
        return tuple(map(Problem, found))


def prepare_gate(suite: Suite, wish: GateWish | None, runs: Path) -> Gating:
    """Raises UsageError: there is no such baseline, or the suite cannot be gated against it so."""
    if wish is None:
        return Gating(suite)
    from stepeval.api.gate_design import designed  # noqa: PLC0415 -- see above

    return Gating(*designed(suite, wish, runs))


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
    *,
    say: Callable[[str], None],
) -> Rounds:
    """Of a run whose plan may leave cells out. ``say`` gets a line of every new look."""
    from stepeval.api.gate_rounds import GateRounds  # noqa: PLC0415 -- see above
    from stepeval.api.race_rounds import RaceRounds  # noqa: PLC0415 -- see above

    if plan.way is Way.RACE:
        return RaceRounds(suite, store, rules, plan, say)
    assert baseline is not None
    return GateRounds(suite, store, rules, plan, baseline, say=say)
