"""Several worker processes, each with its share of the load; this one stores what they report."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from stepeval.api.bench.environment import for_workers
from stepeval.api.bench.frames import frame, read_frame
from stepeval.api.bench.job import (
    Command,
    Job,
    Order,
    PhaseEnd,
    Pulse,
    Report,
    Start,
    Told,
    together,
)
from stepeval.core.errors import RunIncomplete, StepevalError
from stepeval.core.ports import RecordWriter, RunListener
from stepeval.core.task import Cell
from stepeval.execution.behind import WriteBehind
from stepeval.execution.measure import Measured
from stepeval.execution.purse import SharedPurse
from stepeval.execution.stop import StopSignal
from stepeval.execution.window import Bounds

_PATIENCE_S = 5.0
_FOREVER_S = 1e9


@dataclass(frozen=True, slots=True)
class _Purses:
    """What the parts of a closed loop take the requests of a phase from."""

    warm: SharedPurse
    measured: SharedPurse

    def fill(self, bounds: Bounds) -> None:
        self.warm.fill(bounds.warm_requests or 0)
        self.measured.fill(bounds.requests or 0)


class Crew:
    """An :class:`Engine`."""

    def __init__(
        self,
        job: Job,
        workers: list[Process],
        purses: _Purses,
        writer: RecordWriter,
        listener: RunListener,
    ) -> None:
        self._pace = job.pace
        self._workers = workers
        self._purses = purses
        self._pulses = [Pulse()] * len(workers)
        self._writer = writer
        self._listener = listener
        self._arms = {arm.name: arm for arm in job.suite.arms}
        self._samples = {sample.key: sample for sample in job.suite.samples}

    async def measure(self, order: Order) -> PhaseEnd:
        """Raises RunIncomplete: no worker is left."""
        self._purses.fill(self._pace.bounds(order.load))
        self._pulses = [Pulse()] * len(self._workers)
        self._tell(Command(order))
        behind = WriteBehind(self._writer)
        heard = await asyncio.gather(
            *(self._hear(number, behind) for number in range(len(self._workers)))
        )
        await behind.flush()
        measured = [each for each in heard if isinstance(each, Measured)]
        lost = next((each for each in heard if isinstance(each, str)), None)
        if not measured:
            raise RunIncomplete(lost or "no worker is left")
        return together(measured, lost=lost)

    async def _hear(self, number: int, writer: RecordWriter) -> Measured | str:
        """A worker's share of the phase, or why there is none."""
        while True:
            report = await self._read(number)
            if isinstance(report, str):
                self._tell(Command())  # without this share it is another load
                return report
            if report.told is not None:
                await self._take(report.told, writer)
            elif report.pulse is not None:
                self._pulses[number] = report.pulse
            elif report.measured is not None:
                return report.measured

    async def _take(self, told: Told, writer: RecordWriter) -> None:
        arm, sample = self._arms[told.arm], self._samples[told.sample_key]
        cell = Cell(told.cell_id, arm, sample, told.epoch)
        await writer.add_attempt(cell, told.attempt, final=told.final)
        self._listener.attempted(cell, told.attempt, final=told.final)

    def pulse(self) -> Pulse:
        """As the workers told last: half a second ago at most, if they can."""
        oldest = [each.oldest_ns for each in self._pulses if each.oldest_ns is not None]
        return Pulse(
            sum(each.in_flight for each in self._pulses),
            min(oldest, default=None),
            all(each.draining for each in self._pulses),
        )

    async def ready(self) -> None:
        """Raises StepevalError: a worker could not be started."""
        for number in range(len(self._workers)):
            report = await self._read(number)
            if isinstance(report, str):
                raise StepevalError(report)

    async def pass_on(self, stop: StopSignal) -> None:
        """What the user wishes, the workers shall do, too."""
        await stop.drained_within(_FOREVER_S)
        self._tell(Command())
        await stop.aborted()
        self._tell(Command())

    async def _read(self, number: int) -> Report | str:
        worker = self._workers[number]
        assert worker.stdout is not None
        try:
            report = await read_frame(worker.stdout, Report)
        except StepevalError as error:
            return str(error)
        if report is None:
            code = await worker.wait()
            ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            return f"worker {number + 1} of {len(self._workers)} {ended}; what was recorded is kept"
        return report if report.error is None else report.error

    def _tell(self, command: Command) -> None:
        for worker in self._workers:
            assert worker.stdin is not None
            with suppress(OSError, RuntimeError):  # a dead worker's silence is heard elsewhere
                worker.stdin.write(frame(command))


@asynccontextmanager
async def crew(
    job: Job, writer: RecordWriter, listener: RunListener, stop: StopSignal
) -> AsyncIterator[Crew]:
    """Workers that end with the block, or with this process, however it ends.

    Raises:
        StepevalError: One of them could not be started.
    """
    count = job.pace.plan.workers
    purses = _Purses(SharedPurse.make(), SharedPurse.make())
    files = (purses.warm.file, purses.measured.file)
    workers = [await _start(job, files) for _ in range(count)]
    told = Crew(job, workers, purses, writer, listener)
    passing = asyncio.create_task(told.pass_on(stop))
    try:
        for part, worker in enumerate(workers):
            assert worker.stdin is not None
            worker.stdin.write(frame(Start(job, part, count, *files)))
        await told.ready()
        yield told
    finally:
        passing.cancel()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.close()
        await asyncio.gather(passing, *map(_end, workers), return_exceptions=True)
        for file in files:
            os.close(file)


async def _start(job: Job, files: tuple[int, ...]) -> Process:
    return await asyncio.create_subprocess_exec(
        # -P: else a module of the folder the user stands in would be taken for one of ours
        *(sys.executable, "-P", "-m", "stepeval", "bench", "--as-worker"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=None if os.environ.get("STEPEVAL_DEBUG") else DEVNULL,
        env=for_workers(job, os.environ),
        pass_fds=files,
        start_new_session=True,  # Ctrl-C is for the run, which still has answers under way
    )


async def _end(worker: Process) -> None:
    """It ends by itself when its standard input does; one that does not is made to."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await worker.wait()
    except TimeoutError:
        worker.kill()
        await worker.wait()
