"""From an origin to an open socket: names looked up once, addresses raced, certificates checked."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import httpx
from aiohappyeyeballs import start_connection

from stepeval.client.stamps import ask_for_stamps
from stepeval.client.tls import TlsLayer

_NEXT_ADDRESS_S = 0.25  # head start of an address before the next one is tried (RFC 8305)
_NAME_HOLDS_S = 30.0
_MANY = 65_536  # descriptors; some systems say "unlimited" and refuse it

Addresses: TypeAlias = list[tuple[Any, Any, int, str, Any]]


class TlsTimeout(httpx.ConnectTimeout):
    """The connection was made, the TLS handshake was not."""


class Origin(NamedTuple):
    """``encrypted``: https."""

    encrypted: bool
    host: str
    port: int

    @classmethod
    def of(cls, url: httpx.URL) -> "Origin":
        encrypted = url.scheme == "https"
        return cls(encrypted, url.raw_host.decode("ascii"), url.port or (443 if encrypted else 80))


@dataclass(frozen=True, slots=True)
class Line:
    """An open socket. ``ancillary`` is the room its reads leave for the kernel's stamps."""

    socket: socket.socket
    tls: TlsLayer | None
    ancillary: int


class Dialler:
    """``tls_context`` is asked for when the first encrypted connection is made."""

    def __init__(self, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self._tls_context = tls_context
        self._names: dict[tuple[str, int], tuple[float, asyncio.Task[Addresses]]] = {}

    async def dial(self, origin: Origin, limits: Mapping[str, float | None]) -> Line:
        """``limits`` is httpx's timeout, with "tls" beside "connect", each in seconds.

        Raises:
            httpx.ConnectTimeout, TlsTimeout, httpx.ConnectError
        """
        plain, ancillary = await self._connect(origin, limits.get("connect"))
        if not origin.encrypted:
            return Line(plain, None, ancillary)
        try:
            limit = limits.get("tls", limits.get("connect"))
            return Line(plain, await self._encrypt(plain, origin, limit), ancillary)
        except BaseException:
            plain.close()
            raise

    async def _connect(self, origin: Origin, limit: float | None) -> tuple[socket.socket, int]:
        room = 0

        def stamped(address: tuple[Any, ...]) -> socket.socket:
            nonlocal room
            made = socket.socket(*address[:3])
            room = ask_for_stamps(made)
            return made

        try:
            async with asyncio.timeout(limit):
                addresses = await self._addresses(origin.host, origin.port)
                plain = await start_connection(
                    addresses, happy_eyeballs_delay=_NEXT_ADDRESS_S, socket_factory=stamped
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # the latter for a name that is none
            raise httpx.ConnectError(str(error)) from error
        with suppress(OSError):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain, room

    async def _encrypt(self, plain: socket.socket, origin: Origin, limit: float | None) -> TlsLayer:
        try:
            layer = TlsLayer(self._tls_context(), origin.host)
            async with asyncio.timeout(limit):
                await layer.handshake(plain)
        except TimeoutError as error:
            raise TlsTimeout("no TLS in time") from error
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise httpx.ConnectError(str(error)) from error
        return layer

    async def _addresses(self, host: str, port: int) -> Addresses:
        """A thousand connections at once to one name are one question."""
        loop = asyncio.get_running_loop()
        with suppress(socket.gaierror):
            numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric))
        asked_at, task = self._names.get((host, port), (0.0, None))
        failed = task is not None and task.done() and (task.cancelled() or task.exception())
        if task is None or failed or loop.time() - asked_at > _NAME_HOLDS_S:
            task = loop.create_task(self._look_up(host, port))
            task.add_done_callback(_look_at)
            self._names[host, port] = (loop.time(), task)
        return await asyncio.shield(task)

    async def _look_up(self, host: str, port: int) -> Addresses:
        loop = asyncio.get_running_loop()
        return list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _look_at(task: "asyncio.Task[Addresses]") -> None:
    """Whoever asked may have given up; a failure that nobody sees would be complained of."""
    if not task.cancelled():
        task.exception()


def allow_many_sockets() -> None:
    """As many as the system lets this process have: a thousand streams need a thousand."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 -- there is none on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MANY if hard == resource.RLIM_INFINITY else min(hard, _MANY)
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
