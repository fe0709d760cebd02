"""What went wrong on the network, as a kind of failure and a sentence. Pure."""

import ssl
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from stepeval.client.connection import FirstByteTimeout
from stepeval.client.dialing import TlsTimeout
from stepeval.client.http1 import ClosedEarly, ExtraResponse, LongHead
from stepeval.core.chat import FailureKind
from stepeval.core.task import Provider, Timeouts

_Limit: TypeAlias = Callable[[Timeouts], float]

# The first row that fits: those below are its parents.
_TIMEOUTS: tuple[tuple[type[Exception], FailureKind, str, _Limit], ...] = (
    (TlsTimeout, FailureKind.TLS_TIMEOUT, "made no TLS connection", lambda t: t.tls),
    (httpx.ConnectTimeout, FailureKind.CONNECT_TIMEOUT, "took no connection", lambda t: t.connect),
    (
        FirstByteTimeout,
        FailureKind.FIRST_BYTE_TIMEOUT,
        "answered nothing",
        lambda t: t.to_first_byte,
    ),
    (httpx.ReadTimeout, FailureKind.READ_TIMEOUT, "sent nothing more", lambda t: t.read),
    (httpx.WriteTimeout, FailureKind.WRITE_TIMEOUT, "took nothing", lambda t: t.write),
)


def network_fault(error: Exception, provider: Provider) -> tuple[FailureKind, str]:
    """The kind, and what is said to people."""
    host, limits = urlsplit(provider.base_url).netloc, provider.timeouts
    for timeout, kind, what, limit in _TIMEOUTS:
        if isinstance(error, timeout):
            return kind, f"{host} {what} for {limit(limits):g} s"
    cause = _root(error)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        kind = FailureKind.TLS if isinstance(cause, ssl.SSLError) else FailureKind.CONNECT
        return kind, f"no connection to {host}: {cause}"
    if isinstance(error, LongHead):
        return FailureKind.LONG_HEAD, f"{host} sends headers without end: {error}"
    if isinstance(error, ExtraResponse):
        return FailureKind.EXTRA_RESPONSE, f"{host} sent {error}"
    if isinstance(error, httpx.ProtocolError) and not _closed_early(error):
        return FailureKind.PROTOCOL, f"{host} does not speak HTTP: {error}"
    return FailureKind.DISCONNECTED, f"{host} closed the connection: {str(error) or repr(cause)}"


def _closed_early(error: httpx.ProtocolError) -> bool:
    """h11 and httpcore tell an early end from nonsense in their words only."""
    said = str(error).startswith(("peer closed connection", "Server disconnected"))
    return said or isinstance(error, ClosedEarly)


def _root(error: BaseException) -> BaseException:
    """The first cause; httpx and its layers wrap it several times, and hide its words."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
