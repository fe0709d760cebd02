"""All cells, by a fixed number of workers that share one iterator."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any

from stepeval.core.chat import Failure, FailureKind
from stepeval.core.ports import MakeRequest, RecordWriter, RunListener, Send
from stepeval.core.task import Cell, Limits
from stepeval.execution.attempt import CellEnd, Clock, Rooms, live
from stepeval.execution.gate import OPEN, Gate
from stepeval.execution.memory import BLANK, Memory
from stepeval.execution.retry import Decide, decide
from stepeval.execution.stop import StopSignal

_HOPELESS_AFTER = 20
_HOPELESS = frozenset(
    {FailureKind.NOT_FOUND, FailureKind.BAD_REQUEST, FailureKind.CONNECT, FailureKind.TLS}
)


@dataclass(frozen=True, slots=True)
class Execution:
    """How a run went. ``recorded`` counts cells that got their record, ``failed`` those of them
    without an answer. ``stopped`` says why cells were left over, None where none was; ``fatal``
    is the refusal that every further request would have met. ``shut``: a gate let no more through.
    """

    recorded: int
    failed: int
    stopped: str | None = None
    fatal: Failure | None = None
    shut: bool = False


async def execute(
    cells: Iterable[Cell],
    *,
    make_request: MakeRequest,
    send: Send,
    writer: RecordWriter,
    listener: RunListener,
    limits: Limits,
    stop: StopSignal,
    clock: Clock = Clock(),  # noqa: B008 - frozen, so that sharing it is safe
    decide: Decide = decide,
    gate: Gate = OPEN,
    memory: Memory = BLANK,
) -> Execution:
    """Runs ``cells``, taken one by one as workers come free: there may be millions of them.

    Raises:
        StoreError: An attempt could not be written; requests in flight are cancelled.
    """
    rooms = Rooms(
        make_request=make_request,
        send=send,
        writer=writer,
        listener=listener,
        stop=stop,
        max_attempts=limits.max_attempts,
        clock=clock,
        decide=decide,
        gate=gate,
        memory=memory,
    )
    crew = Crew(cells, rooms)
    await _until_done_or_aborted(crew, limits.concurrency, stop)
    return crew.outcome()


async def _until_done_or_aborted(crew: "Crew", workers: int, stop: StopSignal) -> None:
    tasks = [asyncio.create_task(crew.work()) for _ in range(workers)]
    abort = asyncio.create_task(stop.aborted())
    try:
        running = set(tasks)
        while running:
            done, _ = await asyncio.wait({abort, *running}, return_when=asyncio.FIRST_COMPLETED)
            if abort in done:
                break
            running -= done
            for task in done:
                task.result()  # raises what a worker raised
    finally:
        for task in (abort, *tasks):
            task.cancel()
        await asyncio.gather(abort, *tasks, return_exceptions=True)


class Crew:
    """What the workers share. ``todo`` are cells, or what holds one for an open loop."""

    def __init__(self, todo: Iterable[Any], rooms: Rooms) -> None:
        self._cells = iter(todo)
        self._rooms = rooms
        self._recorded = 0
        self._failed = 0
        self._open = 0  # taken and without a record
        self._fatal: Failure | None = None
        self._shut: str | None = None
        self._hopeless: list[Failure] | None = []  # None from the first answer on

    async def work(self) -> None:
        stop = self._rooms.stop
        while not stop.draining and (cell := next(self._cells, None)) is not None:
            await self.follow(live(cell, self._rooms))

    async def follow(self, life: Awaitable[CellEnd]) -> None:
        """Counts how a cell ends, and stops all where the others would end no better."""
        self._open += 1
        end = await life
        self._note(end)
        if end.fatal or end.shut is not None or self._is_hopeless():
            self._rooms.stop.drain()

    def leave_out(self) -> None:
        """A cell was taken and will not be sent."""
        self._open += 1

    def _note(self, end: CellEnd) -> None:
        self._shut = self._shut or end.shut
        if end.fatal:
            self._fatal = self._fatal or end.failure
        if not end.final:
            return
        self._open -= 1
        self._recorded += 1
        self._failed += end.failure is not None
        if end.failure is None:
            self._hopeless = None
        elif self._hopeless is not None:
            hopeless = end.failure.kind in _HOPELESS
            self._hopeless = [*self._hopeless, end.failure] if hopeless else []

    def _is_hopeless(self) -> bool:
        return self._hopeless is not None and len(self._hopeless) >= _HOPELESS_AFTER

    def outcome(self) -> Execution:
        why = self._why_stopped()
        shut = why is not None and why == self._shut_by
        return Execution(self._recorded, self._failed, why, self._fatal, shut)

    @property
    def _shut_by(self) -> str | None:
        return self._shut or self._rooms.stop.why

    def _why_stopped(self) -> str | None:
        if not self._open and next(self._cells, None) is None:
            return None  # whatever was asked for, nothing was left to leave out
        if self._fatal is not None:
            return f"the API refuses ({self._fatal.kind}): {self._fatal.message}"
        if self._shut_by is not None:
            return self._shut_by
        if self._hopeless and self._is_hopeless():
            last = self._hopeless[-1]
            count = len(self._hopeless)
            return f"none of {count} requests was answered ({last.kind}): {last.message}"
        return "the user asked to stop"
