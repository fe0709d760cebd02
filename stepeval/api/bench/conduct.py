"""Phase after phase: the planned loads, or those a search chooses by what the last ones showed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stepeval.api.bench.job import Engine, LoadListener, Order, PhaseEnd
from stepeval.api.bench.pace import Pace
from stepeval.core.chat import Failure
from stepeval.core.load import Phase, Trial, Verdict
from stepeval.execution.search import MOST_ROUNDS, next_rate
from stepeval.execution.stop import StopSignal

_BEFORE_BEGIN_NS = 50_000_000  # for the first request to be made, and an order to reach workers
_BEFORE_BEGIN_OF_WORKERS_NS = 300_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """What phases need of others. ``judge``: what the phases of a number and load showed; ``keep``
    stores a phase.
    """

    pace: Pace
    engine: Engine
    listener: LoadListener
    stop: StopSignal
    keep: Callable[[Phase], None]
    judge: Callable[[int, float], Trial]


@dataclass(slots=True)
class Course:
    """How it went so far. ``kept``: phases that were measured and stored. ``stopped``: why phases
    are missing, None where none is.
    """

    recorded: int = 0
    failed: int = 0
    taken: int = 0
    kept: int = 0
    stopped: str | None = None
    fatal: Failure | None = None
    lost: bool = False
    tried: list[Trial] = field(default_factory=list)


async def conduct(stage: Stage) -> Course:
    """Raises StoreError, or RunIncomplete where no worker is left."""
    course = Course()
    plan = stage.pace.plan
    if stage.pace.search:
        await _search(stage, course)
        return course
    for repeat in range(plan.repeats):  # each time all loads, so that a slow hour meets them all
        for number, load in enumerate(plan.loads):
            await _phase(stage, course, number, repeat, load)
            if course.stopped is not None:
                return course
    return course


async def _search(stage: Stage, course: Course) -> None:
    low, high = stage.pace.search
    while (load := next_rate(low, high, course.tried)) is not None:
        trial = await _trial(stage, course, len(course.tried), load)
        if trial is None:
            return
        course.tried.append(trial)


async def _trial(stage: Stage, course: Course, number: int, load: float) -> Trial | None:
    """Again and again, pooled, as long as it is unclear; None: the course was stopped."""
    plan = stage.pace.plan
    for turn in range(MOST_ROUNDS):
        for repeat in range(plan.repeats):
            await _phase(stage, course, number, turn * plan.repeats + repeat, load)
            if course.stopped is not None:
                return None
        trial = stage.judge(number, load)
        goes_on = trial.verdict is Verdict.UNCLEAR and turn + 1 < MOST_ROUNDS
        stage.listener.judged(trial, goes_on=goes_on)
        if not goes_on:
            return trial
    return None


async def _phase(stage: Stage, course: Course, number: int, repeat: int, load: float) -> None:
    if stage.stop.draining:
        course.stopped = "the user asked to stop"
        return
    plan = stage.pace.plan
    ahead = _BEFORE_BEGIN_OF_WORKERS_NS if plan.workers > 1 else _BEFORE_BEGIN_NS
    order = Order(number, repeat, load, time.monotonic_ns() + ahead, course.taken)
    phases = None if stage.pace.search else len(plan.loads) * plan.repeats
    stage.listener.phase_began(order, phases=phases)
    end = await stage.engine.measure(order)
    if (
        end.end_ns > end.steady_ns and end.lost is None
    ):  # without all its workers it is no such load
        stage.keep(_phase_of(order, end))
        course.kept += 1
    _note(course, end)


def _phase_of(order: Order, end: PhaseEnd) -> Phase:
    return Phase(
        number=order.number,
        repeat=order.repeat,
        load=order.load,
        begin_ns=order.begin_ns,
        steady_ns=end.steady_ns,
        end_ns=end.end_ns,
        drained_ns=end.drained_ns,
        health=end.health,
    )


def _note(course: Course, end: PhaseEnd) -> None:
    execution = end.execution
    course.recorded += execution.recorded
    course.failed += execution.failed
    course.taken += end.taken
    course.stopped = end.lost or execution.stopped
    course.fatal = execution.fatal
    course.lost = end.lost is not None
