"""--offline is heard by everything in the process, and ends with its block."""

import asyncio
import socket

import httpx
import pytest

from stepeval.api.offline import no_sockets
from stepeval.api.simulation import is_simulator
from stepeval.core.errors import UsageError


def test_nothing_gets_out() -> None:
    with no_sockets(wanted=True):
        with pytest.raises(UsageError, match="--offline"):
            socket.create_connection(("127.0.0.1", 9))
        with pytest.raises(UsageError, match="--offline"):
            socket.getaddrinfo("localhost", 80)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with datagrams, pytest.raises(UsageError, match="--offline"):
            datagrams.sendto(b"x", ("127.0.0.1", 9))
        with pytest.raises(UsageError, match="--offline"):
            httpx.get("http://127.0.0.1:9/")
        with pytest.raises(UsageError, match="--offline"):
            is_simulator("http://127.0.0.1:9/v1")
        assert asyncio.run(asyncio.sleep(0, "an event loop is no connection"))


def test_outside_the_block_all_is_as_before() -> None:
    with no_sockets(wanted=True), no_sockets(wanted=False):
        pass
    with no_sockets(wanted=False), pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 9))
