"""The one place where requests meet the network; the clock of every request is read below it."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TypeAlias
from uuid import uuid4

import httpx

from stepeval.client.address import completions_url, proxy_for, request_headers
from stepeval.client.body import LARGEST_BODY
from stepeval.client.faults import BadBody
from stepeval.client.network_faults import network_fault
from stepeval.client.proxied import ProxyTransport, ReadStream
from stepeval.client.reception import Reception, read_head
from stepeval.client.scrub import scrub
from stepeval.client.socket_transport import SocketTransport
from stepeval.client.tape import Tape
from stepeval.client.turn import Sink, Turn
from stepeval.client.wire_request import encode
from stepeval.core.chat import Exchange, Failure, FailureKind, Request, Response, Taped, Timing
from stepeval.core.record import Mode
from stepeval.core.secret import Secret
from stepeval.core.task import Provider, Timeouts

_ACCEPTED = {True: "text/event-stream", False: "application/json"}  # by whether it is a stream
_DRAIN_S = 0.25  # for the end of a body whose answer is complete, so that its connection lives on

_Transport: TypeAlias = SocketTransport | ProxyTransport


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What is the same in all requests to a provider."""

    url: httpx.URL
    headers: Mapping[str, str]
    provider: Provider
    transport: _Transport
    limits: Mapping[str, float]


class Client:
    """Sends requests: a :class:`stepeval.core.ports.Send`, and an async context manager.

    ``keys`` are by provider name; each goes to its provider alone. ``request_id`` makes the
    X-Request-Id, by which a server's log can be held against ours. Where ``cut`` says so, a request
    that is cancelled is not forgotten but a Failure: whoever measures must count what hung.
    ``record``: each Exchange is Taped.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        keys: Mapping[str, Secret | None],
        *,
        mode: Mode,
        body_cap: int = LARGEST_BODY,
        request_id: Callable[[Request], str] = lambda _: uuid4().hex,
        cut: Callable[[], bool] = lambda: False,
        record: bool = False,
    ) -> None:
        """Raises UsageError for an address or a header that HTTP has no room for."""
        self._tls: ssl.SSLContext | None = None
        self._direct = SocketTransport(self._tls_context)
        self._endpoints = {p.name: self._endpoint(p, keys.get(p.name)) for p in providers}
        self._secrets = [key for key in keys.values() if key is not None]
        self._mode = mode
        self._cap = body_cap
        self._request_id = request_id
        self._cut = cut
        self._record = record

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for endpoint in self._endpoints.values():
            await endpoint.transport.aclose()

    @property
    def carriers(self) -> tuple[str, ...]:
        """What carries the requests, each name once: "socket", ours, or "proxy", httpx's own."""
        proxied = {isinstance(e.transport, ProxyTransport) for e in self._endpoints.values()}
        return tuple("proxy" if each else "socket" for each in sorted(proxied))

    async def __call__(self, request: Request, *, scheduled_ns: int) -> Exchange:
        """One request, once. Every fault of network and server is a Failure with its timing.

        Raises:
            UsageError: The request is no JSON.
        """
        endpoint = self._endpoints[request.provider]
        body = encode(request)
        tape = Tape() if self._record else None
        exchanged = _Exchanging(
            endpoint, scheduled_ns, self._cap, self._clean, is_cut=self._cut, tape=tape
        )
        headers = {"accept": _ACCEPTED[request.stream], "x-request-id": self._request_id(request)}
        result = await exchanged.run(body.encode(), headers)
        if self._mode is Mode.LIVE and exchanged.simulated:
            result = Failure(
                kind=FailureKind.SIMULATED,
                message="a simulator answered a live run",
                trace_id=result.trace_id,
                timing=result.timing,
            )
        if exchanged.quota is not None:
            quota = {self._clean(name): self._clean(said) for name, said in exchanged.quota.items()}
            result = replace(result, quota=quota)
        url, result = self._clean(str(endpoint.url)), scrub(result, self._secrets)
        if tape is None:
            return Exchange(url, body, result)
        wire = tape.wire(f"{endpoint.url} {body}", self._secrets)
        return Taped(url, body, result, wire=wire)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.scrub(text)
        return text

    def _endpoint(self, provider: Provider, key: Secret | None) -> _Endpoint:
        url = completions_url(provider)
        proxy = proxy_for(url)
        transport: _Transport = self._direct
        if proxy is not None:
            transport = ProxyTransport(proxy, self._tls_context)
        headers = request_headers(provider, key)
        return _Endpoint(httpx.URL(url), headers, provider, transport, _limits(provider.timeouts))

    def _tls_context(self) -> ssl.SSLContext:
        """Made when it is first needed: reading the certificates takes longer than a request."""
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


class _Exchanging:
    """One request on its way, and how far it has come."""

    def __init__(
        self,
        endpoint: _Endpoint,
        scheduled_ns: int,
        cap: int,
        clean: Callable[[str], str],
        *,
        is_cut: Callable[[], bool],
        tape: Tape | None,
    ) -> None:
        self._endpoint = endpoint
        self._scheduled_ns = scheduled_ns
        self._cap = cap
        self._clean = clean
        self._is_cut = is_cut
        self._tape = tape
        self._sent_ns: int | None = None
        self._headers_ns: int | None = None
        self._reception: Reception | None = None
        self.simulated = False
        self.quota: Mapping[str, str] | None = None

    async def run(self, body: bytes, headers: Mapping[str, str]) -> Response | Failure:
        total = self._endpoint.provider.timeouts.total
        try:
            async with asyncio.timeout(total):
                return await self._receive(self._request(body, headers))
        except TimeoutError:
            message = f"the whole request took more than {total:g} s"
            return self._cut(FailureKind.TOTAL_TIMEOUT, message)
        except asyncio.CancelledError:
            if not self._is_cut():
                raise
            return self._cut(FailureKind.CUT, "the user ended it before it was answered")
        except BadBody as fault:
            assert self._reception is not None
            return self._reception.refuse(fault)
        except (httpx.HTTPError, OSError) as error:
            return self._cut(*network_fault(error, self._endpoint.provider))

    async def _receive(self, request: httpx.Request) -> Response | Failure:
        response = await self._endpoint.transport.handle_async_request(request)
        read = response.extensions["read"]
        self._headers_ns = read.arrival_ns
        headers = _headers(response)
        head = read_head(response.status_code, headers, time.time())
        self.simulated, self.quota = head.simulated, head.quota
        body = response.stream
        assert isinstance(body, Turn | ReadStream)
        try:
            reception = Reception(head, self._timing(), self._cap, self._clean)
            self._reception = reception
            sink: Sink = reception.feed
            if self._tape is not None:
                self._tape.begin(head, headers, read.arrival_ns)
                sink = self._tape.before(sink)
            await body.pour(sink)
            await body.drain(_DRAIN_S)
            return reception.end()
        finally:
            await body.aclose()

    def _request(self, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._endpoint.url,
            headers={**headers, **self._endpoint.headers},
            content=body,
            extensions={"timeout": self._endpoint.limits, "on_sent": self._note_sent},
        )

    def _note_sent(self, sent_ns: int) -> None:
        self._sent_ns = sent_ns
        if self._tape is not None:
            self._tape.sent(sent_ns)

    def _timing(self) -> Timing:
        return Timing(self._scheduled_ns, self._sent_ns, self._headers_ns, None)

    def _cut(self, kind: FailureKind, message: str) -> Response | Failure:
        if self._tape is not None:
            self._tape.cut(kind, message)
        if self._reception is not None:
            return self._reception.cut(kind, message)
        return Failure(kind, self._clean(message), timing=self._timing())


def _headers(response: httpx.Response) -> dict[str, str]:
    """By lower-case names; httpx's own mapping decodes all names again at every look."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in response.headers.raw
    }


def _limits(timeouts: Timeouts) -> dict[str, float]:
    return {
        "connect": timeouts.connect,
        "tls": timeouts.tls,
        "write": timeouts.write,
        "first_byte": timeouts.to_first_byte,
        "read": timeouts.read,
    }
