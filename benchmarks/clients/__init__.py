"""Clients that are measured. Each module has ``connect(url)``: a context whose value asks once."""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import TypeAlias

CLIENTS = ("own", "raw", "aiohttp", "httpx", "slowed")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client says of one request; ``*_ns`` are ``time.monotonic_ns()``.

    ``first_ns``, ``last_ns``: the arrival of the first and the last of ``chunks`` with tokens;
    of an answer that is not streamed, of all of it.
    """

    request_id: str
    sent_ns: int
    first_ns: int
    last_ns: int
    chunks: int


Ask: TypeAlias = Callable[[bool], Awaitable[Seen]]  # streamed or not
Connect: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Ask]]  # URL, concurrency


def client(name: str) -> Connect:
    """Raises ModuleNotFoundError where its library is not installed."""
    connect: Connect = import_module(f"benchmarks.clients.{name}_client").connect
    return connect


def names() -> Iterator[str]:
    """Request ids that no other process gives."""
    return (f"{os.getpid()}-{number}" for number in count())


def body(*, stream: bool) -> dict[str, object]:
    asked = {"model": "null", "messages": [{"role": "user", "content": "How much is 6 times 7?"}]}
    return {**asked, "stream": True} if stream else {**asked}
