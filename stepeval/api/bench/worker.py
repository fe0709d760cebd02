"""A worker process: it sends its share, and reports each attempt to the process that stores."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from stepeval.api.bench.frames import frame, read_frame
from stepeval.api.bench.job import Command, Order, Report, Start, Told
from stepeval.api.bench.sender import Sender, sender
from stepeval.core.errors import StepevalError
from stepeval.core.record import Attempt
from stepeval.core.task import Cell
from stepeval.execution.collector import rarely_collecting
from stepeval.execution.measure import Share
from stepeval.execution.purse import SharedPurse
from stepeval.execution.stop import StopSignal

_MOST_WAITING = 5_000  # reports that are not yet written
_LOOKS_AGAIN_S = 0.01
_PULSE_S = 0.5


def work() -> None:
    """Until standard input ends: whoever started this process has gone, or has all it wanted."""
    reports = _Reports()
    try:
        with rarely_collecting():
            asyncio.run(_work(reports))
    except StepevalError as error:
        reports.put(Report(error=str(error)))
    finally:
        reports.close()


async def _work(reports: "_Reports") -> None:
    pipe = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(pipe), sys.stdin)
    start = await read_frame(pipe, Start)
    if start is None:
        return
    stop = StopSignal()
    orders: asyncio.Queue[Order | None] = asyncio.Queue()
    hearing = asyncio.create_task(_hear(pipe, orders, stop))
    warm, measured = SharedPurse(start.warm), SharedPurse(start.measured)
    share = Share(start.part, start.parts, warm, measured)
    async with sender(start.job, share, reports, _Silence(), stop) as sending:
        reports.put(Report())
        pulse = asyncio.create_task(_beat(sending, reports))
        await _obey(sending, orders, reports)
        pulse.cancel()
    hearing.cancel()


async def _hear(
    pipe: asyncio.StreamReader, orders: "asyncio.Queue[Order | None]", stop: StopSignal
) -> None:
    while (command := await read_frame(pipe, Command)) is not None:
        if command.order is None:
            stop.request()
        else:
            orders.put_nowait(command.order)
    for _ in range(2):
        stop.request()  # nobody hears of the answers under way any more
    orders.put_nowait(None)


async def _obey(
    sending: Sender, orders: "asyncio.Queue[Order | None]", reports: "_Reports"
) -> None:
    while (order := await orders.get()) is not None:
        reports.put(Report(measured=await sending.measure_share(order)))


async def _beat(sending: Sender, reports: "_Reports") -> None:
    while True:
        await asyncio.sleep(_PULSE_S)
        await reports.room()
        reports.put(Report(pulse=sending.pulse()))


class _Reports:
    """A RecordWriter onto standard output. A thread makes the texts: the event loop has to measure.

    What is printed besides, by whatever library, goes to standard error. ``end``: where a report
    cannot be made this process has nothing left to do, and whoever waits for it must hear of it.
    """

    def __init__(self, end: Callable[[int], object] = os._exit) -> None:
        self._end = end
        self._unheard = False
        self._pipe = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._queue: SimpleQueue[Report | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="stepeval-reports", daemon=True)
        self._thread.start()

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        told = Told(cell.id, cell.arm.name, cell.sample.key, cell.epoch, attempt, final)
        await self.room()
        self.put(Report(told=told))

    async def room(self) -> None:
        """Returns when not too many reports wait for whoever reads them."""
        while self._queue.qsize() >= _MOST_WAITING and not self._unheard:  # noqa: ASYNC110 -- a thread empties it
            await asyncio.sleep(_LOOKS_AGAIN_S)

    def put(self, report: Report) -> None:
        self._queue.put(report)

    def close(self) -> None:
        """Returns when all of it is written."""
        self._queue.put(None)
        self._thread.join()
        with suppress(OSError):
            self._pipe.close()

    def _run(self) -> None:
        try:
            self._write()
        except OSError:
            self._unheard = True  # standard input has ended as well, which ends this process
        except Exception as error:  # noqa: BLE001 -- whatever it is, silence would be waited for
            with suppress(OSError):
                self._pipe.write(frame(Report(error=f"a worker could not report: {error}")))
                self._pipe.flush()
            self._end(1)

    def _write(self) -> None:
        while (report := self._queue.get()) is not None:
            self._pipe.write(frame(report))
            if self._queue.empty():
                self._pipe.flush()
        self._pipe.flush()


class _Silence:
    """The process that stores is the one that tells how it goes."""

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...
