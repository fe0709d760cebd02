"""A simulator on a thread of its own, for tests and for clients that block."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread

from stepeval.simulator.answers import AnswerKey
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.connection import Incoming
from stepeval.simulator.server import Simulator


class RunningSimulator:
    """``base_url`` ends in /v1. Every request is kept, so this is not for millions of them."""

    def __init__(self) -> None:
        self.port = 0
        self._requests: list[Incoming] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def requests(self) -> tuple[Incoming, ...]:
        """What was read so far, in order: method, path, headers (lower case), body as bytes."""
        return tuple(self._requests)

    def _saw(self, incoming: Incoming) -> None:
        self._requests.append(incoming)


@contextmanager
def running(
    config: SimulatorConfig | None = None, key: AnswerKey | None = None
) -> Iterator[RunningSimulator]:
    """Serves until the block ends.

    Raises:
        UsageError: It could not be started.
    """
    running_simulator = RunningSimulator()
    simulator = Simulator(config or SimulatorConfig(), key or {}, running_simulator._saw)  # noqa: SLF001  one room, one object in two halves
    started: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event] | Exception] = (
        SimpleQueue()
    )

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            running_simulator.port = await simulator.start()
        except Exception as error:  # noqa: BLE001  it is raised on the caller's side
            started.put(error)
            return
        started.put((asyncio.get_running_loop(), stop))
        await stop.wait()
        await simulator.close()

    thread = Thread(target=lambda: asyncio.run(serve()), name="simulator", daemon=True)
    thread.start()
    outcome = started.get()
    if isinstance(outcome, Exception):
        thread.join()
        raise outcome
    loop, stop = outcome
    try:
        yield running_simulator
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
