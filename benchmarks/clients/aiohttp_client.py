"""Plain aiohttp without its limits, where it is installed."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import orjson

from benchmarks.clients import Ask, Seen, body, names

aiohttp: Any = import_module("aiohttp")  # so that types do not depend on its being there


@asynccontextmanager
async def connect(url: str, _concurrency: int) -> AsyncIterator[Ask]:
    names_left = names()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask(stream: bool) -> Seen:
            name = next(names_left)
            sent_ns = time.monotonic_ns()
            headers = {"x-request-id": name}
            path = f"{url}/chat/completions"
            async with session.post(path, json=body(stream=stream), headers=headers) as got:
                arrivals = [time.monotonic_ns() async for line in got.content if _token(line)]
            return Seen(name, sent_ns, arrivals[0], arrivals[-1], len(arrivals))

        yield ask


def _token(line: bytes) -> bool:
    """Whether there is a chunk with tokens, or a whole answer, in the line."""
    line = line.removeprefix(b"data: ")
    return line.startswith(b"{") and orjson.loads(line)["usage"]["completion_tokens"] > 0
