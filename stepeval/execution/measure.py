"""One phase of a load benchmark in this process: warm-up, measured window, drain."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from stepeval.core.load import Health
from stepeval.core.task import Cell, Limits
from stepeval.execution.alarm import Alarm
from stepeval.execution.attempt import Rooms
from stepeval.execution.behind import WriteBehind
from stepeval.execution.executor import Execution, execute
from stepeval.execution.lag import LagSampler
from stepeval.execution.open_loop import execute_open
from stepeval.execution.pacing import ClosedLoop, OpenLoop
from stepeval.execution.purse import Purse
from stepeval.execution.window import Bounds, Window


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a load this process has: of ``parts`` processes the ``part``-th, from 0. Their
    closed loops take the requests of a phase from purses that all of them share.
    """

    part: int = 0
    parts: int = 1
    warm: Purse | None = None
    measured: Purse | None = None

    def of(self, total: int) -> int:
        return total // self.parts + (self.part < total % self.parts)


@dataclass(frozen=True, slots=True)
class Measured:
    """Times as in :class:`stepeval.core.load.Phase`. ``taken``: cells used up, by all parts."""

    steady_ns: int
    end_ns: int
    drained_ns: int
    taken: int
    health: Health
    execution: Execution


async def measure(
    pacing: ClosedLoop | OpenLoop,
    bounds: Bounds,
    *,
    begin_ns: int,
    cells: Iterator[Cell],
    share: Share,
    rooms: Rooms,
    last_sent: Callable[[], None] = lambda: None,
) -> Measured:
    """Loads the server from ``begin_ns`` (monotonic) until the bounds are reached and the last
    answer is in. ``cells`` are those of all parts. ``last_sent`` is called when none is left to be
    sent.

    Raises:
        StoreError: An attempt could not be written; requests in flight are cancelled.
    """
    behind = WriteBehind(rooms.writer)
    load = _closed if isinstance(pacing, ClosedLoop) else _open
    own = replace(rooms, writer=behind)
    task = _Task(pacing, bounds, begin_ns, cells, share, own, last_sent)
    with Alarm() as alarm:
        await alarm.at_unless(begin_ns, rooms.stop)
        async with LagSampler() as sampler:
            cpu_s, wall_ns = time.process_time(), time.monotonic_ns()
            window, taken, execution = await load(task)
            cpu_s, drained_ns = time.process_time() - cpu_s, time.monotonic_ns()
        await behind.flush()
        steady_ns, end_ns = window.close(drained_ns, cut=execution.stopped is not None)
        await alarm.at_unless(end_ns, rooms.stop)  # the next phase must not begin inside this one
    lags_us = sampler.between(steady_ns, end_ns)
    health = Health(lags_us, cpu_s, (drained_ns - wall_ns) / 1e9)
    return Measured(steady_ns, end_ns, max(drained_ns, end_ns), taken, health, execution)


@dataclass(frozen=True, slots=True)
class _Task:
    pacing: ClosedLoop | OpenLoop
    bounds: Bounds
    begin_ns: int
    cells: Iterator[Cell]
    share: Share
    rooms: Rooms
    last_sent: Callable[[], None]

    def sent(self, moments: Iterator[int]) -> Iterator[int]:
        yield from moments
        self.last_sent()


async def _closed(task: _Task) -> tuple[Window, int, Execution]:
    """Each part holds its share of the load in flight, of requests that all of them count."""
    assert isinstance(task.pacing, ClosedLoop)
    share, rooms = task.share, task.rooms
    window = Window(task.bounds, task.begin_ns, warm=share.warm, measured=share.measured)
    moments = task.sent(window.admitted(iter(rooms.clock.monotonic_ns, None)))
    own = islice(task.cells, share.part, None, share.parts)
    execution = await execute(
        (cell for _, cell in zip(moments, own, strict=False)),
        make_request=rooms.make_request,
        send=rooms.send,
        writer=rooms.writer,
        listener=rooms.listener,
        limits=Limits(share.of(task.pacing.concurrency), rooms.max_attempts),
        stop=rooms.stop,
        clock=rooms.clock,
        decide=rooms.decide,
    )
    return window, window.count * share.parts, execution


async def _open(task: _Task) -> tuple[Window, int, Execution]:
    """All parts go through the one schedule, and each sends its own arrivals of it."""
    assert isinstance(task.pacing, OpenLoop)
    share = task.share
    window = Window(task.bounds, task.begin_ns)
    due = task.sent(window.admitted(task.begin_ns + offset for offset in task.pacing.offsets()))
    arrivals = islice(zip(due, task.cells, strict=False), share.part, None, share.parts)
    execution = await execute_open(arrivals, rooms=task.rooms)
    return window, window.count, execution
