"""httpx's transport, on sockets of our own: no limit of connections, and a clock at each read."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from stepeval.client.connection import Connection, Deadlines, Station
from stepeval.client.desk import Desk
from stepeval.client.dialing import Dialler, Origin, allow_many_sockets
from stepeval.client.http1 import encode_request
from stepeval.client.readiness import Readiness
from stepeval.client.stamps import ArrivalClock
from stepeval.client.turn import Turn

_KEEP_S = 15.0  # an idle connection; routers forget silent ones without a word


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
        self._station: Station | None = None  # made when there is an event loop
        self._idle: dict[Origin, list[Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        data = encode_request(request, await request.aread())
        turn = await self._ask(Origin.of(request.url), data, request.extensions)
        try:
            head, read = await turn.head
        except BaseException:
            await turn.aclose()
            raise
        return httpx.Response(
            head.status,
            headers=list(head.headers),
            stream=turn,
            extensions={"http_version": b"HTTP/1.1", "read": read},
        )

    async def aclose(self) -> None:
        for connections in self._idle.values():
            while connections:
                connections.pop().close()
        if self._station is not None:
            self._station.readiness.close()
            self._station = None

    async def _ask(self, origin: Origin, data: bytes, extensions: Mapping[str, Any]) -> Turn:
        limits = extensions.get("timeout", {})
        deadlines, on_sent = Deadlines.of(limits), extensions.get("on_sent", _ignore)
        while (connection := self._idle_one(origin)) is not None:
            try:
                return connection.ask(data, deadlines, on_sent)
            except OSError:  # closed since; nothing was sent, so another may carry it
                connection.close()
        connection = await self._open(origin, limits)
        try:
            return connection.ask(data, deadlines, on_sent)
        except OSError as error:
            connection.close()
            raise httpx.WriteError(error.strerror or str(error)) from error

    def _idle_one(self, origin: Origin) -> Connection | None:
        """The last one used: the others then grow old, and are found out to be."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.idle_for() < _KEEP_S and not connection.is_stale():
                return connection
            connection.close()
        return None

    async def _open(self, origin: Origin, limits: Mapping[str, float | None]) -> Connection:
        line = await self._dialler.dial(origin, limits)
        on_free = self._idle.setdefault(origin, []).append
        return Connection(line, self._shared(), on_free)

    def _shared(self) -> Station:
        if self._station is None:
            self._station = Station(ArrivalClock(), Readiness(), Desk())
        return self._station


def _ignore(_sent_ns: int) -> None:
    pass
