"""The way through a proxy: httpx's own transport, which stamps nothing by itself."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from stepeval.client.connection import FirstByteTimeout
from stepeval.client.stamps import Read
from stepeval.client.turn import Sink

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=5.0)


class ProxyTransport(httpx.AsyncBaseTransport):
    """Understands "on_sent" and "first_byte" as SocketTransport does; the TLS handshake is
    bounded by "connect".

    Each connection has a transport of its own: httpcore searches its whole pool at every request,
    which at a hundred in flight costs more than the requests do.
    """

    def __init__(self, proxy: str, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self._proxy, self._tls_context = proxy, tls_context
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self._idle.pop() if self._idle else self._dial()
        limits = request.extensions.get("timeout", {})
        try:
            response = await _headed(transport, request, limits)
        except BaseException:
            await transport.aclose()
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        read = Read(now := time.monotonic_ns(), now)
        reads = _reads(response.stream, read, limits.get("read"))
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=ReadStream(response.stream, reads, transport, self._idle),
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
        reads: AsyncIterator[tuple[bytes, Read]],
        transport: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._inner, self._reads = inner, reads
        self._transport, self._idle = transport, idle
        self._complete = self._closed = False

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
        with suppress(TimeoutError, httpx.HTTPError, OSError):
            async with asyncio.timeout(seconds):
                await self.pour(lambda _data, _read: False)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._inner.aclose()
        if self._complete:
            self._idle.append(self._transport)
        else:
            await self._transport.aclose()


async def _headed(
    transport: httpx.AsyncHTTPTransport,
    request: httpx.Request,
    limits: Mapping[str, float | None],
) -> httpx.Response:
    """The response's head, within "first_byte" from when the request had gone."""
    first_byte = limits.get("first_byte", limits.get("read"))
    loop = asyncio.get_running_loop()
    on_sent = request.extensions.get("on_sent")
    is_ours = False

    async def trace(name: str, info: Mapping[str, Any]) -> None:
        """Httpcore's "started" comes a turn of the loop before the write, "complete" right after.

        CONNECT to the proxy is a request, too, but not ours.
        """
        nonlocal is_ours
        if name == "http11.send_request_headers.started":
            is_ours = info["request"].method != b"CONNECT"
        elif name == "http11.send_request_headers.complete" and is_ours and on_sent is not None:
            on_sent(time.monotonic_ns())
        elif name == "http11.receive_response_headers.started" and is_ours:
            deadline.reschedule(None if first_byte is None else loop.time() + first_byte)

    passed_on = httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "timeout": {**limits, "read": None}, "trace": trace},
    )
    try:
        async with asyncio.timeout(None) as deadline:
            return await transport.handle_async_request(passed_on)
    except TimeoutError as error:
        raise FirstByteTimeout("no byte of a response came") from error


async def _reads(
    pieces: httpx.AsyncByteStream, head: Read, idle: float | None
) -> AsyncIterator[tuple[bytes, Read]]:
    """One read may hold many pieces (HTTP chunks), and the first ones may come with the head.

    The event loop must run for a read to happen: as long as it has not, it is still the last one.
    """
    loop = asyncio.get_running_loop()
    read, loop_ran = head, False

    def note() -> None:
        nonlocal loop_ran
        loop_ran = True

    loop.call_soon(note)
    inner = aiter(pieces)
    while True:
        try:
            async with asyncio.timeout(idle):
                piece = await anext(inner)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise httpx.ReadTimeout("nothing more came") from error
        if loop_ran:
            read, loop_ran = Read(time.monotonic_ns(), read.arrival_ns), False
            loop.call_soon(note)
        yield piece, read
