"""One cell's life: ask, write down what came back, ask again where that may help."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from stepeval.core.chat import Failure, FailureKind, Request
from stepeval.core.ports import MakeRequest, RecordWriter, RunListener, Send
from stepeval.core.record import Attempt
from stepeval.core.task import Cell
from stepeval.execution.gate import OPEN, Gate, Shut
from stepeval.execution.memory import BLANK, Memory
from stepeval.execution.retry import Decide, decide
from stepeval.execution.stop import StopSignal

_NS_PER_S = 1e9

# What the next request would meet as well, and the user must mend.
FATAL = frozenset({FailureKind.AUTHENTICATION, FailureKind.BALANCE, FailureKind.SIMULATED})


@dataclass(frozen=True, slots=True)
class Clock:
    """``wall`` in seconds since 1970; ``monotonic_ns`` the clock that Timing uses."""

    wall: Callable[[], float] = time.time
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a cell's life needs of others. ``decide`` says when to ask again; every attempt that
    the ``memory`` has no answer to enters through the ``gate``.
    """

    make_request: MakeRequest
    send: Send
    writer: RecordWriter
    listener: RunListener
    stop: StopSignal
    max_attempts: int
    clock: Clock = Clock()
    decide: Decide = decide
    gate: Gate = OPEN
    memory: Memory = BLANK


@dataclass(frozen=True, slots=True)
class CellEnd:
    """``final``: the cell has its record; else it is left for a resumed run.

    ``failure`` is the last attempt's, None where it was answered. ``shut``: why neither this nor
    any other request may leave.
    """

    final: bool
    failure: Failure | None
    shut: str | None = None

    @property
    def fatal(self) -> bool:
        return self.failure is not None and self.failure.kind in FATAL


async def live(cell: Cell, rooms: Rooms) -> CellEnd:
    """From the first attempt to the record, or to where the run stops.

    Raises:
        StoreError: An attempt could not be written.
    """
    return await ask(cell, rooms.make_request(cell), None, rooms)


async def ask(cell: Cell, request: Request, due_ns: int | None, rooms: Rooms) -> CellEnd:
    """The life of a cell whose request is made. It is due at ``due_ns`` (monotonic), or when the
    gate lets it through.

    Raises:
        StoreError: An attempt could not be written.
    """
    number, failure, spent_s = 1, None, 0.0
    while True:
        try:
            attempt = await _attempt(cell, request, number, due_ns, rooms)
        except Shut as shut:
            return CellEnd(final=False, failure=failure, shut=str(shut))
        if attempt is None:
            return CellEnd(final=False, failure=failure)
        spent_s += (attempt.ended_ns - attempt.started_ns) / _NS_PER_S
        end, wait_s = _judge(attempt, spent_s, rooms)
        await rooms.writer.add_attempt(cell, attempt, final=end.final)
        rooms.listener.attempted(cell, attempt, final=end.final)
        if wait_s is None or rooms.stop.draining:
            return end
        rooms.listener.waiting(cell, seconds=wait_s)
        if await rooms.stop.drained_within(wait_s):
            return end
        number, failure, due_ns, spent_s = number + 1, end.failure, None, spent_s + wait_s


async def _attempt(
    cell: Cell, request: Request, number: int, due_ns: int | None, rooms: Rooms
) -> Attempt | None:
    """One request, sent once; None where the run was stopped while it waited at the gate.

    What is remembered is nobody's load: no limit, budget or breaker hears of it.
    """
    clock = rooms.clock
    known = rooms.memory.recall(cell, request)
    if known is not None:
        now_ns = clock.monotonic_ns()
        return Attempt(number, clock.wall(), now_ns, now_ns, known)
    entering, may_stay = rooms.gate.enter(cell, request), number > 1 or due_ns is None
    leave = await (rooms.stop.unless_draining(entering) if may_stay else entering)
    if leave is None:
        return None
    if rooms.stop.draining and may_stay:
        leave.forget()
        return None
    started_at, started_ns = clock.wall(), clock.monotonic_ns()
    try:
        due = started_ns if due_ns is None else due_ns
        exchange = await rooms.send(request, scheduled_ns=due)
    except BaseException:
        leave.lose()
        raise
    ended_ns = clock.monotonic_ns()
    leave.settle(exchange.result)
    rooms.memory.keep(cell, request, number, exchange)
    return Attempt(number, started_at, started_ns, ended_ns, exchange)


def _judge(attempt: Attempt, spent_s: float, rooms: Rooms) -> tuple[CellEnd, float | None]:
    """How the cell would end with this attempt, and the wait for the next one if there is one."""
    failure = attempt.exchange.result
    if not isinstance(failure, Failure):
        return CellEnd(final=True, failure=None), None
    if failure.kind in FATAL:
        return CellEnd(final=False, failure=failure), None
    jitter = rooms.clock.jitter()
    wait_s = rooms.decide(failure, attempt.number, rooms.max_attempts, jitter, spent_s)
    return CellEnd(final=wait_s is None, failure=failure), wait_s
