"""stepeval's own client, with the timing that it records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import monotonic_ns
from uuid import uuid4

from benchmarks.clients import Ask, Seen, body
from stepeval.analysis.timing import token_chunks
from stepeval.client.transport import Client
from stepeval.core.chat import Message, Request, Response
from stepeval.core.record import Mode
from stepeval.core.task import Provider
from stepeval.execution.collector import rarely_collecting

_name: ContextVar[str] = ContextVar("the id of this task's request")


@asynccontextmanager
async def connect(url: str, _concurrency: int) -> AsyncIterator[Ask]:
    provider = Provider("here", url, trusted=True)
    requests = {stream: _request(stream=stream) for stream in (True, False)}

    async def ask(stream: bool) -> Seen:
        name = uuid4().hex
        _name.set(name)
        exchange = await client(requests[stream], scheduled_ns=monotonic_ns())
        if not isinstance(exchange.result, Response):
            raise ConnectionError(exchange.result.message)
        return _seen(name, exchange.result)

    with rarely_collecting():  # as in every run of ours
        async with Client(
            [provider], {}, mode=Mode.SIMULATED, request_id=lambda _: _name.get()
        ) as client:
            yield ask


def _request(*, stream: bool) -> Request:
    asked = body(stream=stream)
    messages = (Message("user", "How much is 6 times 7?"),)
    return Request("here", str(asked["model"]), messages, {"stream": True} if stream else {})


def _seen(name: str, response: Response) -> Seen:
    timing = response.timing
    assert timing.sent_ns is not None
    assert timing.done_ns is not None
    arrivals = [chunk.arrival_ns for chunk in token_chunks(timing.chunks)] or [timing.done_ns]
    return Seen(name, timing.sent_ns, arrivals[0], arrivals[-1], len(arrivals))
