"""The least that an asyncio client can do: the reference that others are held against.

It stamps in ``data_received``, splits lines and parses each chunk's JSON; it knows just as much
HTTP as the measured servers speak.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import orjson

from benchmarks.clients import Ask, Seen, body, names


@asynccontextmanager
async def connect(url: str, _concurrency: int) -> AsyncIterator[Ask]:
    async with connections(url, Connection) as ask:
        yield ask


@asynccontextmanager
async def connections(url: str, kind: "type[Connection]") -> AsyncIterator[Ask]:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    host, port, path = address.hostname, address.port, f"{address.path}/chat/completions"
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    every: list[Connection] = []
    names_left = names()
    bodies = {stream: orjson.dumps(body(stream=stream)) for stream in (True, False)}

    async def ask(stream: bool) -> Seen:
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(kind, host, port)
            every.append(connection)
        seen = await connection.ask(path, next(names_left), bodies[stream])
        idle.append(connection)
        return seen

    yield ask
    for connection in every:
        connection.transport.close()


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(error or ConnectionError("the server has gone"))

    async def ask(self, path: str, name: str, data: bytes) -> Seen:
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._first_ns = self._last_ns = self._chunks = 0
        self._ends_at: int | None = None
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"x-request-id: {name}\r\ncontent-length: {len(data)}\r\n\r\n"
        message = head.encode() + data
        sent_ns = time.monotonic_ns()
        self.transport.write(message)
        await self._answered
        return Seen(name, sent_ns, self._first_ns, self._last_ns, self._chunks)

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        if self._buffer:
            data = self._buffer + data
        if self._ends_at is None and not self._chunks:
            length = _content_length(data)
            if length is not None:
                self._ends_at = data.find(b"\r\n\r\n") + 4 + length
        if self._ends_at is not None:
            self._whole(data, self._ends_at, now_ns)
            return
        *lines, self._buffer = data.split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                self._chunk(orjson.loads(line[6:]), now_ns)
            elif line == b"0\r":
                self._answered.set_result(None)

    def _chunk(self, chunk: dict[str, dict[str, int]], now_ns: int) -> None:
        if not chunk["usage"]["completion_tokens"]:
            return
        self._first_ns = self._first_ns or now_ns
        self._last_ns = now_ns
        self._chunks += 1

    def _whole(self, data: bytes, ends_at: int, now_ns: int) -> None:
        self._buffer = data
        if len(data) >= ends_at:
            orjson.loads(data[data.find(b"\r\n\r\n") + 4 :])
            self._first_ns = self._last_ns = now_ns
            self._chunks = 1
            self._answered.set_result(None)


def _content_length(data: bytes) -> int | None:
    head = data[: data.find(b"\r\n\r\n")].lower()
    _, found, rest = head.partition(b"\r\ncontent-length: ")
    return int(rest.partition(b"\r\n")[0]) if found else None
