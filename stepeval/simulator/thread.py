"""A simulator on a thread of its own, for tests and for clients that block."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import orjson

from stepeval.core.chat import JsonObject
from stepeval.core.errors import UsageError
from stepeval.simulator.answers import AnswerKey
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.connection import Incoming
from stepeval.simulator.server import Simulator


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def lines(self) -> list[bytes]:
        """What follows ``data:`` in each event of a stream."""
        events = self.body.split(b"\n\n")
        return [event.removeprefix(b"data: ") for event in events if event]

    def chunks(self) -> list[Any]:
        """The events of a stream without its [DONE]."""
        return [orjson.loads(line) for line in self.lines() if line != b"[DONE]"]


class RunningSimulator:
    """``base_url`` ends in /v1. Every request is kept, so this is not for millions of them."""

    def __init__(self, config: SimulatorConfig, key: AnswerKey) -> None:
        self.port = 0
        self._requests: list[Incoming] = []
        self._simulator = Simulator(config, key, self._requests.append)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def requests(self) -> tuple[Incoming, ...]:
        """What was read so far, in order: method, path, headers (lower case), body as bytes."""
        return tuple(self._requests)

    def post(self, body: JsonObject | bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Asks for a completion over a connection of its own, and reads all of the answer.

        Raises:
            http.client.HTTPException: What came back is no HTTP, or ends too early.
        """
        data = body if isinstance(body, bytes) else orjson.dumps(dict(body))
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("POST", "/v1/chat/completions", data, dict(headers or {}))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())

    def connections(self) -> int:
        """How many clients are connected."""
        return self._simulator.connections

    async def serve(
        self, started: Callable[[asyncio.AbstractEventLoop, asyncio.Event], None]
    ) -> None:
        """Until the event that ``started`` is told of is set."""
        stop = asyncio.Event()
        self.port = await self._simulator.start()
        started(asyncio.get_running_loop(), stop)
        await stop.wait()
        await self._simulator.close()


@contextmanager
def running(
    config: SimulatorConfig | None = None, key: AnswerKey | None = None
) -> Iterator[RunningSimulator]:
    """Serves until the block ends.

    Raises:
        UsageError: It could not be started.
    """
    simulator = RunningSimulator(config or SimulatorConfig(), key or {})
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def serve() -> None:
        try:
            asyncio.run(simulator.serve(lambda *handles: started.set_result(handles)))
        except UsageError as error:  # it is raised on the caller's side
            started.set_exception(error)

    thread = Thread(target=serve, name="simulator", daemon=True)
    thread.start()
    try:
        loop, stop = started.result()
    except UsageError:
        thread.join()
        raise
    try:
        yield simulator
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
