"""Our transport against servers of our own: its clock, its deadlines, its pool, its TLS."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import trustme

from stepeval.client.connection import FirstByteTimeout
from stepeval.client.dialing import TlsTimeout
from stepeval.client.http1 import ClosedEarly
from stepeval.client.socket_transport import SocketTransport
from stepeval.client.stamps import KERNEL, Read
from stepeval.client.turn import Turn

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def plain_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@asynccontextmanager
async def serving(talk: Talk, **options: Any) -> AsyncIterator[str]:
    """Ends every conversation when the block does, and leaves no socket behind."""
    talking: set[asyncio.Task[None]] = set()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await asyncio.start_server(attend, "127.0.0.1", 0, **options)
    scheme = "https" if "ssl" in options else "http"
    try:
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


@asynccontextmanager
async def opened(
    context: Callable[[], ssl.SSLContext] = plain_context,
) -> AsyncIterator[SocketTransport]:
    transport = SocketTransport(context)
    try:
        yield transport
    finally:
        await transport.aclose()


def request(url: str, *, body: bytes = b"{}", **limits: float) -> httpx.Request:
    return httpx.Request("POST", url, content=body, extensions={"timeout": limits})


async def fetched(transport: SocketTransport, asked: httpx.Request) -> bytes:
    response = await transport.handle_async_request(asked)
    assert isinstance(response.stream, Turn)
    try:
        return b"".join([piece async for piece in response.stream])
    finally:
        await response.stream.aclose()


async def read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        writer.write(OK)


# The clock: a process of its own sends at moments that it tells afterwards

STREAMER = """
import socket, sys, time
gap, count = float(sys.argv[1]), int(sys.argv[2])
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    peer, _ = server.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.recv(65536)
    peer.send(b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
    sent = []
    for _ in range(count):
        time.sleep(gap)
        sent.append(time.monotonic_ns())
        peer.send(b"1\\r\\nx\\r\\n")
    peer.send(b"0\\r\\n\\r\\n")
    print(*sent, flush=True)
"""


@contextmanager
def streamer(gap_s: float, count: int) -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """Its address, and what tells when it sent each chunk."""
    command = [sys.executable, "-c", STREAMER, str(gap_s), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        port = int(lines.readline())
        yield f"http://127.0.0.1:{port}/", lambda: [int(ns) for ns in lines.readline().split()]


async def read_while_blocked(url: str, blocked_s: float) -> list[tuple[bytes, Read]]:
    """What came, while something else holds the loop most of the time."""
    found: list[tuple[bytes, Read]] = []

    def keep(data: bytes, read: Read) -> bool:
        found.append((data, read))
        return False

    async def hog() -> None:
        while True:
            time.sleep(blocked_s)  # noqa: ASYNC251 -- blocking is the point
            await asyncio.sleep(0.001)

    async with opened() as transport:
        response = await transport.handle_async_request(request(url))
        assert isinstance(response.stream, Turn)
        hogging = asyncio.create_task(hog())
        await response.stream.pour(keep)
        hogging.cancel()
    return found


def test_stamps_are_the_arrivals_while_the_loop_is_blocked_for_less_than_a_gap() -> None:
    """Chunks come 20 ms apart and the loop is held for 15: reads alone are late by up to 15."""
    with streamer(0.020, 40) as (url, truth):
        found = asyncio.run(read_while_blocked(url, 0.015))
        sent = truth()
    alone = {
        place: read
        for place, (data, read) in zip(_places(found), found, strict=True)
        if len(data) == 1
    }
    assert len(alone) > 30
    errors = sorted(read.arrival_ns - sent[place] for place, read in alone.items())
    within = 25_000_000  # where reads are all there is
    if sys.platform == "linux":
        assert {read.stamp for read in alone.values()} == {KERNEL}
        within = 1_000_000
    assert errors[len(errors) // 2] < within
    assert errors[len(errors) * 9 // 10] < within


def test_what_waited_together_is_known_to_lie_within_its_bounds() -> None:
    """Held for three gaps, several chunks are merged: one stamp for all, and it is the last's."""
    with streamer(0.020, 40) as (url, truth):
        found = asyncio.run(read_while_blocked(url, 0.065))
        sent = truth()
    assert any(len(data) > 1 for data, _ in found)
    for place, (data, read) in zip(_places(found), found, strict=True):
        for moment in sent[place : place + len(data)]:
            assert read.not_before_ns - 100_000 <= moment <= read.arrival_ns + 100_000
    for (_, before), (_, after) in pairwise(found):
        assert before.arrival_ns <= after.not_before_ns, "the bounds are as tight as the reads"


def _places(found: list[tuple[bytes, Read]]) -> Iterator[int]:
    place = 0
    for data, _ in found:
        yield place
        place += len(data)


def test_sent_is_stamped_before_the_server_can_have_read_it() -> None:
    moments: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        moments.append(time.monotonic_ns())
        writer.write(OK)

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            asked = request(url)
            asked.extensions["on_sent"] = moments.append
            before = time.monotonic_ns()
            await fetched(transport, asked)
            sent, read = moments
            assert before < sent < read

    asyncio.run(run())


# The pool


def test_there_is_no_hidden_limit_of_connections() -> None:
    """Three hundred at once, each held until the last one has come."""
    here, everybody = 0, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal here
        await read_request(reader)
        here += 1
        if here == 300:
            everybody.set()
        await everybody.wait()
        writer.write(OK)

    async def run() -> list[bytes]:
        async with serving(talk, backlog=512) as url, opened() as transport:
            return await asyncio.gather(*(fetched(transport, request(url)) for _ in range(300)))

    assert asyncio.run(run()) == [b"ok"] * 300


def test_a_connection_the_server_has_closed_is_not_used_again() -> None:
    taken = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        await read_request(reader)
        writer.write(OK)

    async def run() -> None:
        async with serving(once) as url, opened() as transport:
            for _ in range(5):
                assert await fetched(transport, request(url)) == b"ok"
                await asyncio.sleep(0.01)

    asyncio.run(run())
    assert taken == 5


def test_a_close_that_the_loop_has_not_seen_yet_is_seen_before_anything_is_sent() -> None:
    """Nothing was sent on it, so the request goes over another connection, unharmed."""

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            peer, _address = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(OK)

    async def run(port: int) -> None:
        async with opened() as transport:
            for _ in range(2):
                assert await fetched(transport, request(f"http://127.0.0.1:{port}/")) == b"ok"
                time.sleep(0.1)  # noqa: ASYNC251 -- the loop shall not run in between

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,))
        thread.start()
        asyncio.run(run(server.getsockname()[1]))
        thread.join()


def test_words_that_nobody_asked_for_never_answer_the_next_request() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(OK.replace(b"ok", b"no"))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await read_request(reader)

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            assert await fetched(transport, request(url)) == b"ok"
            await asyncio.sleep(0.05)
            assert await fetched(transport, request(url)) == b"ok"

    asyncio.run(run())


def test_a_request_that_was_sent_is_not_sent_again() -> None:
    """The server may have worked on it, and charged for it."""
    asked = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await read_request(reader)
        asked += 1
        if asked == 1:
            writer.write(OK)
            await read_request(reader)
            asked += 1
        writer.close()

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            assert await fetched(transport, request(url)) == b"ok"
            with pytest.raises(ClosedEarly):
                await fetched(transport, request(url))

    asyncio.run(run())
    assert asked == 2


def test_what_came_before_a_reset_still_counts() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await asyncio.sleep(0.01)
        writer.transport.abort()

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            for _ in range(3):
                assert await fetched(transport, request(url)) == b"ok"
                await asyncio.sleep(0.03)

    asyncio.run(run())


def test_a_body_that_waited_to_be_poured_comes_whole() -> None:
    """Reading rests while more than a megabyte waits, and must go on when it is taken."""
    huge = 8 * 2**20

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % huge + bytes(huge))
        await writer.drain()

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            for drained in (False, True):
                response = await transport.handle_async_request(request(url, read=2))
                assert isinstance(response.stream, Turn)
                await asyncio.sleep(0.3)
                assert response.stream.full
                size = 0

                def count(data: bytes, _read: Read) -> bool:
                    nonlocal size
                    size += len(data)
                    return drained  # noqa: B023 -- used within this turn of the loop only

                await response.stream.pour(count)
                await response.stream.drain(2)
                assert drained or size == huge
            assert await fetched(transport, request(url)) == bytes(huge)

    asyncio.run(run())


def test_closing_the_transport_ends_requests_under_way() -> None:
    async def run() -> None:
        async with serving(silent) as url, opened() as transport:
            waiting = asyncio.create_task(fetched(transport, request(url)))
            await asyncio.sleep(0.05)
            await transport.aclose()
            with pytest.raises(httpx.ReadError):
                await waiting

    asyncio.run(run())


def test_another_event_loop_is_refused_rather_than_hung_in() -> None:
    transport = SocketTransport(plain_context)

    async def run(*, close: bool) -> None:
        async with serving(answering) as url:
            assert await fetched(transport, request(url)) == b"ok"
        if close:
            await transport.aclose()

    asyncio.run(run(close=False))
    with pytest.raises(RuntimeError, match="event loop"):
        asyncio.run(run(close=False))


def test_a_flood_is_read_no_faster_than_it_is_understood() -> None:
    """A server that sends faster than we parse fills its own memory, not ours."""
    held = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % 2**40)
        while True:
            writer.write(bytes(2**18))
            await writer.drain()

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            for _ in range(20):
                response = await transport.handle_async_request(request(url))
                assert isinstance(response.stream, Turn)
                asked = asyncio.create_task(response.stream.pour(_slowly))
                held.append((response, asked))
            await asyncio.sleep(0.5)
            unread = [connection._unread for connection in transport._open]
            assert max(unread) < 2**19
            for _, asked in held:
                asked.cancel()

    asyncio.run(run())


def _slowly(_data: bytes, _read: Read) -> bool:
    time.sleep(0.002)
    return False


def test_an_iterated_body_that_nobody_takes_stops_being_read() -> None:
    """Else a server could fill the memory faster than its body is looked at."""
    written = 0
    huge = 64 * 2**20

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % huge)
        while written < huge:
            writer.write(bytes(2**18))
            await writer.drain()
            written += 2**18

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            response = await transport.handle_async_request(request(url))
            await asyncio.sleep(0.5)
            assert written < 32 * 2**20
            assert isinstance(response.stream, Turn)
            assert sum([len(piece) async for piece in response.stream]) == huge

    asyncio.run(run())


# Deadlines


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined] # typeshed names a base class
    await asyncio.sleep(30)


async def breaking_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(OK[:-1])
    await reader.read()


@pytest.mark.parametrize(
    ("talk", "limits", "size", "error"),
    [
        (silent, {"first_byte": 0.1, "read": 9}, 2, FirstByteTimeout),
        (silent, {"read": 0.1}, 2, FirstByteTimeout),
        (breaking_off, {"first_byte": 9, "read": 0.1}, 2, httpx.ReadTimeout),
        (deaf, {"write": 0.1, "first_byte": 9, "read": 9}, 64 * 2**20, httpx.WriteTimeout),
    ],
    ids=["first byte", "first byte as read", "idle", "write"],
)
def test_each_deadline_is_an_error_of_its_own(
    talk: Talk, limits: dict[str, float], size: int, error: type[Exception]
) -> None:
    async def run() -> None:
        async with serving(talk, limit=2**16) as url, opened() as transport:
            with pytest.raises(error) as caught:
                await fetched(transport, request(url, body=bytes(size), **limits))
            assert type(caught.value) is error

    asyncio.run(run())


def test_reading_puts_the_deadline_off() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in OK:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)

    async def run() -> None:
        async with serving(talk) as url, opened() as transport:
            assert await fetched(transport, request(url, first_byte=0.4, read=0.4)) == b"ok"

    asyncio.run(run())


def test_a_long_request_is_written_in_parts() -> None:
    async def run() -> None:
        async with serving(answering, limit=2**16) as url, opened() as transport:
            body = bytes(8 * 2**20)
            for _ in range(2):
                assert await fetched(transport, request(url, body=body)) == b"ok"

    asyncio.run(run())


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        authority.configure_trust(made)
        return made

    return context


def test_an_encrypted_response_is_stamped_at_the_socket(authority: trustme.CA) -> None:
    names: list[str | None] = []
    context = server_context(authority, "localhost")
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def run() -> list[Read]:
        reads = []
        async with (
            serving(answering, ssl=context) as url,
            opened(trusting(authority)) as transport,
        ):
            for _ in range(3):
                response = await transport.handle_async_request(request(url))
                reads.append(response.extensions["read"])
                assert isinstance(response.stream, Turn)
                assert [piece async for piece in response.stream] == [b"ok"]
        return reads

    reads = asyncio.run(run())
    assert names == ["localhost"], "one handshake, which named the host"
    assert all(read.not_before_ns <= read.arrival_ns for read in reads)
    if sys.platform == "linux":
        assert {read.stamp for read in reads} == {KERNEL}


def test_a_long_encrypted_body_comes_whole(authority: trustme.CA) -> None:
    body = os.urandom(3 * 2**20)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def run() -> bytes:
        context = server_context(authority, "localhost")
        async with serving(talk, ssl=context) as url, opened(trusting(authority)) as transport:
            return await fetched(transport, request(url, body=bytes(2**20)))

    assert asyncio.run(run()) == body


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_certificate_that_proves_nothing_is_refused(authority: trustme.CA, wrong: str) -> None:
    context = server_context(authority, "elsewhere.test" if wrong == "name" else "localhost")
    ours = trusting(authority) if wrong == "name" else ssl.create_default_context

    async def run() -> None:
        async with serving(answering, ssl=context) as url, opened(ours) as transport:
            with pytest.raises(httpx.ConnectError) as caught:
                await fetched(transport, request(url))
            assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"first_byte": 9, "read": 0.1}, None),
        ({"first_byte": 0.1, "read": 9}, FirstByteTimeout),
    ],
    ids=["thinking is no silence", "too long"],
)
def test_what_tls_says_for_itself_is_no_first_byte(
    authority: trustme.CA, limits: dict[str, float], error: type[Exception] | None
) -> None:
    """TLS 1.3 sends tickets right after the handshake, long before the answer."""

    async def thinking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.4)
        writer.write(OK)

    async def run() -> None:
        context = server_context(authority, "localhost")
        async with serving(thinking, ssl=context) as url, opened(trusting(authority)) as transport:
            if error is None:
                assert await fetched(transport, request(url, body=b"{}", **limits)) == b"ok"
                return
            with pytest.raises(error):
                await fetched(transport, request(url, body=b"{}", **limits))

    asyncio.run(run())


def test_a_peer_that_says_it_ends_is_not_asked_again(authority: trustme.CA) -> None:
    """Its close_notify comes with the response, the end of the connection later."""
    context = server_context(authority, "localhost")
    connections = 0

    def serve(server: socket.socket) -> None:
        nonlocal connections
        for _ in range(2):
            peer, _address = server.accept()
            connections += 1
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            said = False
            while not said:
                try:
                    tls.do_handshake()
                    said = bool(tls.read(65536))
                except ssl.SSLWantReadError:
                    peer.sendall(outgoing.read())
                    incoming.write(peer.recv(65536))
            tls.write(OK)
            with suppress(ssl.SSLError):
                tls.unwrap()
            peer.sendall(outgoing.read())
            kept.append(peer)

    async def run(port: int) -> None:
        async with opened(trusting(authority)) as transport:
            for _ in range(2):
                assert await fetched(transport, request(f"https://localhost:{port}/")) == b"ok"

    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        asyncio.run(run(server.getsockname()[1]))
        thread.join(10)
    for peer in kept:
        peer.close()
    assert connections == 2


def test_a_handshake_that_does_not_come_is_a_timeout_of_its_own() -> None:
    async def run() -> None:
        async with serving(silent) as url, opened() as transport:
            address = url.replace("http:", "https:")
            with pytest.raises(TlsTimeout):
                await fetched(transport, request(address, connect=5, tls=0.1))

    asyncio.run(run())


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 64 + ".invalid"])
def test_a_name_that_is_nowhere_is_no_connection(host: str) -> None:
    async def run() -> None:
        async with opened() as transport:
            with pytest.raises(httpx.ConnectError):
                await fetched(transport, request(f"http://{host}/"))

    asyncio.run(run())


def test_our_folder_of_sockets_is_empty_afterwards() -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return

    async def run() -> None:
        async with serving(answering) as url, opened() as transport:
            for _ in range(20):
                await fetched(transport, request(url))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetched(transport, request(f"{url}x", read=9)), 0)

    asyncio.run(run())
    before = len(list(folder.iterdir()))
    asyncio.run(run())
    assert len(list(folder.iterdir())) <= before
