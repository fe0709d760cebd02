"""One cell's life: ask, write down what came back, ask again where that may help."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stepeval.core.chat import Failure, FailureKind, Request
from stepeval.core.ports import MakeRequest, RecordWriter, RunListener, Send
from stepeval.core.record import Attempt
from stepeval.core.task import Cell
from stepeval.execution.retry import decide
from stepeval.execution.stop import StopSignal

Decide: TypeAlias = Callable[[Failure, int, int, float], float | None]

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
    """What a cell's life needs of others. ``decide`` says when to ask again."""

    make_request: MakeRequest
    send: Send
    writer: RecordWriter
    listener: RunListener
    stop: StopSignal
    max_attempts: int
    clock: Clock = Clock()
    decide: Decide = decide


@dataclass(frozen=True, slots=True)
class CellEnd:
    """``final``: the cell has its record; else it is left for a resumed run.

    ``failure`` is the last attempt's, None where it was answered.
    """

    final: bool
    failure: Failure | None

    @property
    def fatal(self) -> bool:
        return self.failure is not None and self.failure.kind in FATAL


async def live(cell: Cell, rooms: Rooms) -> CellEnd:
    """From the first attempt to the record, or to where the run stops.

    Raises:
        StoreError: An attempt could not be written.
    """
    due_ns = rooms.clock.monotonic_ns()
    return await ask(cell, rooms.make_request(cell), due_ns, rooms)


async def ask(cell: Cell, request: Request, due_ns: int, rooms: Rooms) -> CellEnd:
    """The life of a cell whose request is made, and was due at ``due_ns`` (monotonic).

    Raises:
        StoreError: An attempt could not be written.
    """
    clock = rooms.clock
    number = 1
    while True:
        started_at, started_ns = clock.wall(), clock.monotonic_ns()
        exchange = await rooms.send(request, scheduled_ns=due_ns)
        attempt = Attempt(number, started_at, started_ns, clock.monotonic_ns(), exchange)
        end, wait_s = _judge(attempt, rooms)
        await rooms.writer.add_attempt(cell, attempt, final=end.final)
        rooms.listener.attempted(cell, attempt, final=end.final)
        if wait_s is None or rooms.stop.draining:
            return end
        rooms.listener.waiting(cell, seconds=wait_s)
        if await rooms.stop.drained_within(wait_s):
            return end
        due_ns = clock.monotonic_ns()
        number += 1


def _judge(attempt: Attempt, rooms: Rooms) -> tuple[CellEnd, float | None]:
    """How the cell would end with this attempt, and the wait for the next one if there is one."""
    failure = attempt.exchange.result
    if not isinstance(failure, Failure):
        return CellEnd(final=True, failure=None), None
    if failure.kind in FATAL:
        return CellEnd(final=False, failure=failure), None
    wait_s = rooms.decide(failure, attempt.number, rooms.max_attempts, rooms.clock.jitter())
    return CellEnd(final=wait_s is None, failure=failure), wait_s
