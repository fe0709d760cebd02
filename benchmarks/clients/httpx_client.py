"""Plain httpx, used as its documentation says, without its limits."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson

from benchmarks.clients import Ask, Seen, body, names


@asynccontextmanager
async def connect(url: str, _concurrency: int) -> AsyncIterator[Ask]:
    names_left = names()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:  # noqa: S113 -- the driver has a limit

        async def ask(stream: bool) -> Seen:
            name = next(names_left)
            sent_ns = time.monotonic_ns()
            headers = {"x-request-id": name}
            path = f"{url}/chat/completions"
            async with client.stream(
                "POST", path, json=body(stream=stream), headers=headers
            ) as got:
                arrivals = [time.monotonic_ns() async for line in got.aiter_lines() if _token(line)]
            return Seen(name, sent_ns, arrivals[0], arrivals[-1], len(arrivals))

        yield ask


def _token(line: str) -> bool:
    """Whether there is a chunk with tokens, or a whole answer, in the line."""
    line = line.removeprefix("data: ")
    return line.startswith("{") and orjson.loads(line)["usage"]["completion_tokens"] > 0
