"""The one process, or each of several, that sends requests and measures."""

import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from stepeval.api.access import find_keys
from stepeval.api.bench.job import Job, Order, PhaseEnd, Pulse, together
from stepeval.client.transport import Client
from stepeval.core.ports import MakeRequest, RecordWriter, RunListener
from stepeval.execution.attempt import Rooms
from stepeval.execution.measure import Measured, Share, measure
from stepeval.execution.outstanding import Outstanding
from stepeval.execution.stop import StopSignal
from stepeval.suite.grid import endless_cells
from stepeval.suite.prefix import with_unique_prefix
from stepeval.suite.requests import make_request
from stepeval.suite.synthetic import fill

_MOST_FILES = 65_536


class Sender:
    """An :class:`Engine`, for its own share of the load."""

    def __init__(self, job: Job, share: Share, rooms: Rooms, transport: str) -> None:
        self._job = job
        self._share = share
        self._outstanding = Outstanding(rooms.send)
        self._rooms = replace(rooms, send=self._outstanding)
        self._transport = transport
        self._draining = False

    async def measure(self, order: Order) -> PhaseEnd:
        return together([await self.measure_share(order)])

    async def measure_share(self, order: Order) -> Measured:
        pace = self._job.pace
        self._draining = False
        measured = await measure(
            pace.pacing(order.load, order.number, order.repeat),
            pace.bounds(order.load),
            begin_ns=order.begin_ns,
            cells=endless_cells(self._job.suite, order.start),
            share=self._share,
            rooms=self._rooms,
            last_sent=self._last_was_sent,
        )
        return replace(measured, health=replace(measured.health, transport=self._transport))

    def pulse(self) -> Pulse:
        outstanding = self._outstanding
        draining = self._draining or self._rooms.stop.draining
        return Pulse(len(outstanding), outstanding.oldest_ns, draining)

    def _last_was_sent(self) -> None:
        self._draining = True


@asynccontextmanager
async def sender(
    job: Job, share: Share, writer: RecordWriter, listener: RunListener, stop: StopSignal
) -> AsyncIterator[Sender]:
    """Connected for as long as the block lasts. Raises ProviderError: a key is missing."""
    allow_many_connections()
    keys = find_keys(job.suite) if job.with_keys else {}
    client = Client(job.providers, keys, mode=job.mode, cut=lambda: stop.aborting)
    async with client:
        rooms = Rooms(_requests(job), client, writer, listener, stop, job.max_attempts)
        yield Sender(job, share, rooms, "proxy" if "proxy" in client.carriers else "socket")


def allow_many_connections() -> None:
    """Each request in flight has a socket; the usual soft limit is 1,024 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # what is refused here, a failed connection will tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _requests(job: Job) -> MakeRequest:
    make: MakeRequest = make_request(job.suite)
    if job.synthetic:
        make = fill(make, seed=job.pace.plan.seed)
    return with_unique_prefix(make, run_id=job.run_id) if job.pace.plan.unique_prefix else make
