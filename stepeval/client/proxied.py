"""The way through a proxy: httpx's own transport, which stamps nothing by itself."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx

from stepeval.client.stamps import Read
from stepeval.client.turn import Sink

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=5.0)


class ProxyTransport(httpx.AsyncBaseTransport):
    """Understands "on_sent" as :class:`SocketTransport` does.

    Each connection has a transport of its own: httpcore searches its whole pool at every request,
    which at a hundred in flight costs more than the requests do.
    """

    def __init__(self, proxy: str, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self._proxy, self._tls_context = proxy, tls_context
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self._idle.pop() if self._idle else self._dial()
        extensions = {**request.extensions, "trace": _sent_tracer(request.extensions)}
        passed_on = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )
        try:
            response = await transport.handle_async_request(passed_on)
        except BaseException:
            await transport.aclose()
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        read = Read(now := time.monotonic_ns(), now)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=ReadStream(response.stream, read, transport, self._idle),
            extensions={**response.extensions, "read": read},
        )

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    def _dial(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls_context(), limits=_LIMITS, proxy=self._proxy
        )


class ReadStream(httpx.AsyncByteStream):
    """A body with the time of the read that each piece came with."""

    def __init__(
        self,
        inner: httpx.AsyncByteStream,
        head: Read,
        transport: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._inner, self._transport, self._idle = inner, transport, idle
        self._reads = _reads(inner, head)
        self._complete = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data, _ in self._reads:
            yield data
        self._complete = True

    async def pour(self, sink: Sink) -> None:
        async for data, read in self._reads:
            if sink(data, read):
                return
        self._complete = True

    async def drain(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.pour(lambda _data, _read: False)
        except (TimeoutError, httpx.HTTPError, OSError):
            pass

    async def aclose(self) -> None:
        await self._inner.aclose()
        if self._complete:
            self._idle.append(self._transport)
        else:
            await self._transport.aclose()


async def _reads(pieces: httpx.AsyncByteStream, head: Read) -> AsyncIterator[tuple[bytes, Read]]:
    """One read may hold many pieces (HTTP chunks), and the first ones may come with the head.

    The event loop must run for a read to happen: as long as it has not, it is still the last one.
    """
    loop = asyncio.get_running_loop()
    read, loop_ran = head, False

    def note() -> None:
        nonlocal loop_ran
        loop_ran = True

    loop.call_soon(note)
    async for piece in pieces:
        if loop_ran:
            read, loop_ran = Read(time.monotonic_ns(), read.arrival_ns), False
            loop.call_soon(note)
        yield piece, read


def _sent_tracer(
    extensions: Mapping[str, Any],
) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Calls "on_sent" when the request's head has gone to the socket, CONNECT's not counted.

    httpcore's "started" comes one turn of the event loop before the write, "complete" within
    microseconds after it.
    """
    is_ours = False

    async def trace(name: str, info: Mapping[str, Any]) -> None:
        nonlocal is_ours
        if name == "http11.send_request_headers.started":
            is_ours = info["request"].method != b"CONNECT"
        elif name == "http11.send_request_headers.complete" and is_ours:
            extensions["on_sent"](time.monotonic_ns())

    return trace
