"""The raw client with every read made late: an error of known size, which must be seen."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients import Ask
from benchmarks.clients.raw_client import Connection, connections

LATE_S = 0.03


@asynccontextmanager
async def connect(url: str, _concurrency: int) -> AsyncIterator[Ask]:
    async with connections(url, _Late) as ask:
        yield ask


class _Late(Connection):
    def data_received(self, data: bytes) -> None:
        time.sleep(LATE_S)
        super().data_received(data)
