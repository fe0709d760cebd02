"""Which phases are run, in which order, and what is kept of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.conduct import Course, Stage, conduct
from stepeval.api.bench.job import Order, PhaseEnd, Pulse
from stepeval.core.chat import Failure, FailureKind
from stepeval.core.load import Health, Phase, Trial, Verdict
from stepeval.core.record import Attempt
from stepeval.core.task import Cell
from stepeval.execution.executor import Execution
from stepeval.execution.stop import StopSignal

HEALTH = (Health((1,), 0.1, 1.0),)
DONE = Execution(10, 1)


@dataclass
class World:
    """An engine and a listener that keep what they were told. ``good``: up to this load."""

    good: float = 1e9
    unclear: int = 0  # trials that are unclear before they show anything
    execution: Execution = DONE
    lost: str | None = None
    empty: bool = False
    meanwhile: Callable[[int], None] = lambda _: None
    stop: StopSignal = field(default_factory=StopSignal)
    orders: list[Order] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    verdicts: list[Trial] = field(default_factory=list)
    turns: list[bool] = field(default_factory=list)
    announced: list[int | None] = field(default_factory=list)

    async def measure(self, order: Order) -> PhaseEnd:
        self.orders.append(order)
        self.meanwhile(len(self.orders))
        begin = order.begin_ns
        end = begin + (5 if self.empty else 50)
        return PhaseEnd(begin + 5, end, end + 9, 12, HEALTH, self.execution, self.lost)

    def phase_began(self, order: Order, *, phases: int | None) -> None:
        assert order not in self.orders, "told before it is run"
        self.announced.append(phases)

    def judged(self, trial: Trial, *, goes_on: bool) -> None:
        self.turns.append(goes_on)
        if not goes_on:
            self.verdicts.append(trial)

    def pulse(self) -> Pulse:
        return Pulse()

    def under_way(self, pulse: Pulse) -> None: ...

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...

    def show(self, number: int, load: float) -> Trial:
        order = self.orders[-1]
        assert (order.number, order.load) == (number, load)
        if order.repeat < self.unclear:
            return Trial(load, Verdict.UNCLEAR)
        return Trial(load, Verdict.KEPT if load <= self.good else Verdict.BROKEN)

    def run(self, ask: LoadAsk) -> Course:
        stage = Stage(plan_load(ask), self, self, self.stop, self.phases.append, self.show)
        return asyncio.run(conduct(stage))


def test_each_repeat_goes_through_all_loads_and_takes_fresh_cells() -> None:
    world = World()
    course = world.run(LoadAsk(sweep="2,4", repeats=2, workers=2))
    assert [(o.number, o.repeat, o.load) for o in world.orders] == [
        (0, 0, 2), (1, 0, 4), (0, 1, 2), (1, 1, 4),
    ]  # fmt: skip
    assert [o.start for o in world.orders] == [0, 12, 24, 36]
    assert [p.load for p in world.phases] == [2, 4, 2, 4]
    assert world.phases[0].health == HEALTH
    assert world.announced == [4, 4, 4, 4]
    assert (course.recorded, course.failed, course.stopped) == (40, 4, None)


def test_a_search_goes_on_from_what_the_last_phase_showed() -> None:
    world = World(good=30)
    course = world.run(LoadAsk(find_rate="10:50", slo=("ttft=1s",)))
    shown = [(one.load, one.verdict is Verdict.KEPT) for one in world.verdicts]
    assert shown[:3] == [(10, True), (50, False), (30, True)]
    assert world.verdicts[-1] == Trial(30, Verdict.KEPT), "what was found is confirmed"
    assert world.orders[-1].start > world.orders[-2].start, "with fresh requests"
    assert course.tried == world.verdicts
    assert [o.number for o in world.orders] == list(range(len(world.orders)))
    assert set(world.announced) == {None}


def test_a_load_of_a_search_is_judged_after_all_its_repeats() -> None:
    world = World(good=1)
    world.run(LoadAsk(find_rate="10:50", slo=("ttft=1s",), repeats=3))
    assert [(o.number, o.repeat) for o in world.orders] == [(0, 0), (0, 1), (0, 2)]
    assert world.verdicts == [Trial(10, Verdict.BROKEN)]


@pytest.mark.parametrize(("unclear", "phases"), [(0, 1), (2, 3), (9, 4)])
def test_a_load_that_is_unclear_is_tried_again_and_not_for_ever(unclear: int, phases: int) -> None:
    world = World(good=1, unclear=unclear)
    world.run(LoadAsk(find_rate="10:50", slo=("ttft=1s",)))
    assert [(o.number, o.repeat) for o in world.orders] == [(0, n) for n in range(phases)]
    assert world.turns == [True] * (phases - 1) + [False]


def test_a_stop_runs_no_further_phase_and_keeps_the_one_it_cut() -> None:
    world = World()
    world.execution = Execution(3, 0, "the user asked to stop")
    course = world.run(LoadAsk(sweep="1,2"))
    assert len(world.orders) == len(world.phases) == 1
    assert course.stopped == "the user asked to stop"


def test_a_stop_in_a_drain_misses_only_the_phases_after_it() -> None:
    world = World()
    world.meanwhile = lambda phase: world.stop.request() if phase == 2 else None
    assert world.run(LoadAsk(sweep="1,2")).stopped is None
    again = World()
    again.meanwhile = lambda phase: again.stop.request() if phase == 2 else None
    course = again.run(LoadAsk(sweep="1,2,3"))
    assert len(again.phases) == 2
    assert course.stopped == "the user asked to stop"


def test_a_phase_that_measured_nothing_is_not_kept() -> None:
    world = World(empty=True)
    world.run(LoadAsk())
    assert world.orders
    assert world.phases == []


def test_a_refusal_and_a_lost_worker_end_the_course() -> None:
    refusal = Failure(FailureKind.BALANCE, "pay first")
    refused = World(execution=Execution(0, 0, "the API refuses", refusal))
    course = refused.run(LoadAsk(sweep="1,2"))
    assert (course.fatal, course.lost) == (refusal, False)
    assert len(refused.orders) == 1
    lost = World(lost="worker 1 of 2 was killed by signal 9")
    course = lost.run(LoadAsk(sweep="2,4", workers=2))
    assert (course.lost, course.stopped) == (True, "worker 1 of 2 was killed by signal 9")
    assert lost.phases == [], "a load without one of its workers is another load"
