"""httpx's transport, on sockets of our own: no limit of connections, and a clock at each read."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from stepeval.client.connection import Connection, Limits, Station
from stepeval.client.desk import Desk
from stepeval.client.dialing import Dialler, Origin, allow_many_sockets
from stepeval.client.http1 import encode_request
from stepeval.client.readiness import Readiness
from stepeval.client.stamps import ArrivalClock
from stepeval.client.turn import Turn


class SocketTransport(httpx.AsyncBaseTransport):
    """Speaks HTTP/1.1 and understands two request extensions beyond httpx's.

    "timeout" may hold "tls" (the handshake) and "first_byte" (of the response; else "read"), in
    seconds. "on_sent" is called with the monotonic nanoseconds at which the first byte was handed
    to the kernel. A response's extension "read" is the :class:`stepeval.client.stamps.Read` that
    its head was complete with, its stream a :class:`stepeval.client.turn.Turn`.
    """

    def __init__(self, tls_context: Callable[[], ssl.SSLContext]) -> None:
        allow_many_sockets()
        self._dialler = Dialler(tls_context)
        self._idle: dict[Origin, dict[Connection, None]] = {}  # the last one freed comes last
        self._open: set[Connection] = set()
        self._station: Station | None = None  # made when there is an event loop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        data = encode_request(request, await request.aread())
        turn = await self._ask(Origin.of(request.url), data, request.extensions)
        try:
            head, read = await turn.head()
        except BaseException:
            await turn.aclose()
            del turn  # the error holds this frame, which shall not hold what holds the error
            raise
        return httpx.Response(
            head.status,
            headers=list(head.headers),
            stream=turn,
            extensions={"http_version": b"HTTP/1.1", "read": read},
        )

    async def aclose(self) -> None:
        """Requests under way end with an error."""
        for connection in tuple(self._open):
            connection.close()
        if self._station is not None:
            self._station.readiness.close()
            self._station = None

    async def _ask(self, origin: Origin, data: bytes, extensions: Mapping[str, Any]) -> Turn:
        self._check_loop()
        timeout = extensions.get("timeout", {})
        limits, on_sent = Limits.of(timeout), extensions.get("on_sent", _ignore)
        while (connection := self._idle_one(origin)) is not None:
            try:
                return connection.ask(data, limits, on_sent)
            except OSError:  # closed since; nothing was sent, so another may carry it
                connection.close()
        connection = await self._connect(origin, timeout)
        try:
            return connection.ask(data, limits, on_sent)
        except OSError as error:
            connection.close()
            raise httpx.WriteError(str(error)) from error

    def _idle_one(self, origin: Origin) -> Connection | None:
        """The last one used: the others then grow old, and close themselves."""
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            if not connection.is_stale():
                return connection
            connection.close()
        return None

    async def _connect(self, origin: Origin, limits: Mapping[str, float | None]) -> Connection:
        line = await self._dialler.dial(origin, limits)
        idle = self._idle.setdefault(origin, {})

        def free(connection: Connection) -> None:
            idle[connection] = None

        def closed(connection: Connection) -> None:
            idle.pop(connection, None)
            self._open.discard(connection)

        connection = Connection(line, self._shared(), free, closed)
        self._open.add(connection)
        return connection

    def _shared(self) -> Station:
        if self._station is None:
            loop = asyncio.get_running_loop()
            self._station = Station(loop, ArrivalClock(), Readiness(), Desk())
        return self._station

    def _check_loop(self) -> None:
        if self._station is not None and self._station.loop is not asyncio.get_running_loop():
            raise RuntimeError("a transport belongs to the event loop it was first used in")


def _ignore(_sent_ns: int) -> None:
    pass
