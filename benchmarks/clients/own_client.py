"""stepeval's own client, with the timing that it records."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import monotonic_ns

from benchmarks.clients import Ask, Seen, body

_drawn: ContextVar[list[str]] = ContextVar("drawn")
_draw = uuid.uuid4


def _remember() -> uuid.UUID:
    """The client tells nobody under which id it asked; the server's log has nothing else."""
    drawn = _draw()
    _drawn.get([]).append(drawn.hex)
    return drawn


uuid.uuid4 = _remember

from stepeval.analysis.timing import token_chunks  # noqa: E402 -- it has to find the other uuid4
from stepeval.client.transport import Client  # noqa: E402
from stepeval.core.chat import Message, Request, Response  # noqa: E402
from stepeval.core.record import Mode  # noqa: E402
from stepeval.core.task import Provider  # noqa: E402


@asynccontextmanager
async def connect(url: str, concurrency: int) -> AsyncIterator[Ask]:
    provider = Provider("here", url, trusted=True)
    requests = {stream: _request(stream=stream) for stream in (True, False)}
    async with Client([provider], {}, mode=Mode.SIMULATED, concurrency=concurrency) as client:

        async def ask(stream: bool) -> Seen:
            ids: list[str] = []
            _drawn.set(ids)
            exchange = await client(requests[stream], scheduled_ns=monotonic_ns())
            if not isinstance(exchange.result, Response):
                raise ConnectionError(exchange.result.message)
            if len(ids) != 1:
                raise LookupError(f"the client drew {len(ids)} ids for one request")
            return _seen(ids[0], exchange.result)

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
