"""The one place that touches sockets and httpx; the clock of every request is read here."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from stepeval.client.address import completions_url, proxy_for, request_headers
from stepeval.client.body import LARGEST_BODY
from stepeval.client.failures import retry_after_s, trace_id
from stepeval.client.faults import BadBody
from stepeval.client.reception import Head, Reception
from stepeval.client.scrub import scrub
from stepeval.client.wire_request import encode
from stepeval.core.chat import Exchange, Failure, FailureKind, Request, Response, Timing
from stepeval.core.record import Mode
from stepeval.core.secret import Secret
from stepeval.core.task import Provider

SIMULATOR_HEADER = "x-stepeval-simulator"
_DRAIN_S = 0.25  # for the end of a body whose answer is complete, so that its connection lives on
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=5.0)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What is the same in all requests to a provider. ``idle`` is a stack of open connections.

    Each transport holds one connection: httpcore searches its whole pool at every request, which
    at a hundred in flight costs more than the requests do.
    """

    url: httpx.URL
    headers: Mapping[str, str]
    provider: Provider
    dial: Callable[[], httpx.AsyncBaseTransport]
    idle: list[httpx.AsyncBaseTransport]


class Client:
    """Sends requests: a :class:`stepeval.core.ports.Send`, and an async context manager.

    ``keys`` are by provider name; each goes to its provider alone. ``concurrency`` is how many
    idle connections are kept for each provider.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        keys: Mapping[str, Secret | None],
        *,
        mode: Mode,
        concurrency: int,
        body_cap: int = LARGEST_BODY,
    ) -> None:
        """Raises UsageError for an address or a header that HTTP has no room for."""
        self._tls: dict[bool, ssl.SSLContext] = {}
        self._endpoints = {p.name: self._endpoint(p, keys.get(p.name)) for p in providers}
        self._secrets = [key for key in keys.values() if key is not None]
        self._mode = mode
        self._concurrency = concurrency
        self._cap = body_cap

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for endpoint in self._endpoints.values():
            while endpoint.idle:
                await endpoint.idle.pop().aclose()

    async def __call__(self, request: Request, *, scheduled_ns: int) -> Exchange:
        """One request, once. Every fault of network and server is a Failure with its timing.

        Raises:
            UsageError: The request is no JSON.
        """
        endpoint = self._endpoints[request.provider]
        body = encode(request)
        exchanged = _Exchanging(endpoint, scheduled_ns, self._cap, self._clean)
        result = await exchanged.run(body.encode(), stream=request.stream, keep=self._concurrency)
        if self._mode is Mode.LIVE and exchanged.simulated:
            result = Failure(
                kind=FailureKind.SIMULATED,
                message="a simulator answered a live run",
                trace_id=result.trace_id,
                timing=result.timing,
            )
        return Exchange(self._clean(str(endpoint.url)), body, scrub(result, self._secrets))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.scrub(text)
        return text

    def _endpoint(self, provider: Provider, key: Secret | None) -> _Endpoint:
        url = completions_url(provider)
        proxy = proxy_for(url)
        encrypted = any((address or "").startswith("https:") for address in (url, proxy))

        def dial() -> httpx.AsyncBaseTransport:
            return httpx.AsyncHTTPTransport(
                verify=self._tls_context(encrypted=encrypted), limits=_LIMITS, proxy=proxy
            )

        return _Endpoint(httpx.URL(url), request_headers(provider, key), provider, dial, [])

    def _tls_context(self, *, encrypted: bool) -> ssl.SSLContext:
        """Shared, made when first needed, and without the costly certificates if all is plain."""
        if encrypted not in self._tls:
            plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if not encrypted else None
            self._tls[encrypted] = plain or httpx.create_ssl_context()
        return self._tls[encrypted]


class _Exchanging:
    """One request on its way, and how far it has come."""

    def __init__(
        self, endpoint: _Endpoint, scheduled_ns: int, cap: int, clean: Callable[[str], str]
    ) -> None:
        self._endpoint = endpoint
        self._scheduled_ns = scheduled_ns
        self._cap = cap
        self._clean = clean
        self._is_ours = False
        self._sent_ns: int | None = None
        self._headers_ns: int | None = None
        self._reception: Reception | None = None
        self._reusable = False
        self.simulated = False

    async def run(self, body: bytes, *, stream: bool, keep: int) -> Response | Failure:
        endpoint = self._endpoint
        transport = endpoint.idle.pop() if endpoint.idle else endpoint.dial()
        try:
            return await self._answer(transport, body, stream=stream)
        finally:
            if self._reusable and len(endpoint.idle) < keep:
                endpoint.idle.append(transport)
            else:
                await transport.aclose()

    async def _answer(
        self, transport: httpx.AsyncBaseTransport, body: bytes, *, stream: bool
    ) -> Response | Failure:
        total = self._endpoint.provider.timeouts.total
        try:
            async with asyncio.timeout(total):
                result = await self._receive(transport, self._request(body, stream=stream))
        except TimeoutError:
            message = f"the whole request took more than {total:g} s"
            return self._cut(FailureKind.TOTAL_TIMEOUT, message)
        except BadBody as fault:
            assert self._reception is not None
            return self._reception.refuse(fault)
        except (httpx.HTTPError, OSError) as error:
            return self._cut(*_network_fault(error, self._endpoint.provider))
        self._reusable = True
        return result

    async def _receive(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request
    ) -> Response | Failure:
        response = await transport.handle_async_request(request)
        self._headers_ns = time.monotonic_ns()
        head = _head(response)
        self.simulated = head.simulated
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            reception = Reception(head, self._timing(), self._cap, self._clean)
            self._reception = reception
            reads = _reads(response.stream, self._headers_ns)
            async for data, arrival_ns in reads:
                if reception.feed(data, arrival_ns):
                    await _drain(reads)
                    break
            return reception.end()
        finally:
            await response.stream.aclose()

    def _request(self, body: bytes, *, stream: bool) -> httpx.Request:
        timeouts = self._endpoint.provider.timeouts
        limits = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write}
        asked = "text/event-stream" if stream else "application/json"
        return httpx.Request(
            "POST",
            self._endpoint.url,
            headers={"accept": asked, **self._endpoint.headers, "x-request-id": uuid4().hex},
            content=body,
            extensions={"timeout": limits, "trace": self._trace},
        )

    async def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        """What httpcore reports: the head of the request has just gone to the socket.

        Its "started" comes one turn of the event loop before the write, which in a burst is
        tens of milliseconds; "complete" comes within microseconds after it.
        """
        if name == "http11.send_request_headers.started":
            self._is_ours = info["request"].method == b"POST"  # and no CONNECT to a proxy
        elif name == "http11.send_request_headers.complete" and self._is_ours:
            self._sent_ns = time.monotonic_ns()

    def _timing(self) -> Timing:
        return Timing(self._scheduled_ns, self._sent_ns, self._headers_ns, None)

    def _cut(self, kind: FailureKind, message: str) -> Response | Failure:
        if self._reception is not None:
            return self._reception.cut(kind, message)
        return Failure(kind, self._clean(message), timing=self._timing())


async def _reads(pieces: AsyncIterable[bytes], headers_ns: int) -> AsyncIterator[tuple[bytes, int]]:
    """Pieces of the body with the time of the read that each came with.

    One read may hold many pieces (HTTP chunks), and the first ones may come with the head. The
    event loop must run for a read to happen: as long as it has not, it is still the last read.
    """
    loop = asyncio.get_running_loop()
    arrival_ns, loop_ran = headers_ns, False

    def note() -> None:
        nonlocal loop_ran
        loop_ran = True

    loop.call_soon(note)
    async for piece in pieces:
        if loop_ran:
            arrival_ns, loop_ran = time.monotonic_ns(), False
            loop.call_soon(note)
        yield piece, arrival_ns


async def _drain(reads: AsyncIterable[tuple[bytes, int]]) -> None:
    """Only a body read to its end leaves a connection that can be used again."""
    with suppress(TimeoutError, httpx.HTTPError, OSError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in reads:
                pass


def _head(response: httpx.Response) -> Head:
    headers = response.headers
    return Head(
        status=response.status_code,
        content_type=headers.get("content-type", ""),
        encoding=headers.get("content-encoding", ""),
        retry_after_s=retry_after_s(headers, time.time()),
        trace_id=trace_id(headers),
        simulated=SIMULATOR_HEADER in headers,
        location=headers.get("location"),
    )


def _network_fault(error: Exception, provider: Provider) -> tuple[FailureKind, str]:
    host, limits = urlsplit(provider.base_url).netloc, provider.timeouts
    timeouts: dict[type[Exception], tuple[FailureKind, str, float]] = {
        httpx.ConnectTimeout: (FailureKind.CONNECT_TIMEOUT, "took no connection", limits.connect),
        httpx.ReadTimeout: (FailureKind.READ_TIMEOUT, "sent nothing", limits.read),
        httpx.WriteTimeout: (FailureKind.READ_TIMEOUT, "took nothing", limits.write),
    }
    if type(error) in timeouts:
        kind, what, seconds = timeouts[type(error)]
        return kind, f"{host} {what} for {seconds:g} s"
    cause = _root(error)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        kind = FailureKind.TLS if isinstance(cause, ssl.SSLError) else FailureKind.CONNECT
        return kind, f"no connection to {host}: {cause}"
    if isinstance(error, httpx.ProtocolError) and not _closed_early(error):
        return FailureKind.PROTOCOL, f"{host} does not speak HTTP: {error}"
    return FailureKind.DISCONNECTED, f"{host} closed the connection: {str(error) or repr(cause)}"


def _closed_early(error: httpx.ProtocolError) -> bool:
    """h11 and httpcore tell an early end from nonsense in their words only."""
    return str(error).startswith(("peer closed connection", "Server disconnected"))


def _root(error: BaseException) -> BaseException:
    """The first cause; httpx and its layers wrap it several times, and hide its words."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
