"""A process that opens no connection, whoever in it tries."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stepeval.core.errors import UsageError

_REACHING_OUT = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.getnameinfo",
        "socket.sendmsg",
        "socket.sendto",
    }
)


class _Guard:
    """An audit hook stays for a process's whole life, so that only its effect can end."""

    def __init__(self) -> None:
        self.shut = False
        self._installed = False

    def install(self) -> None:
        if not self._installed:
            self._installed = True
            sys.addaudithook(self._hear)

    def _hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self.shut and event in _REACHING_OUT:
            raise UsageError(f"--offline: nothing may reach the network, and {event} was tried")


_guard = _Guard()


@contextmanager
def no_sockets(wanted: bool) -> Iterator[None]:
    """Where ``wanted``, looking up a name or opening a connection raises UsageError in the block.

    Below Python (a library's own C code) it is not heard; there is none that goes by itself.
    """
    before = _guard.shut
    if wanted:
        _guard.install()
        _guard.shut = True
    try:
        yield
    finally:
        _guard.shut = before
