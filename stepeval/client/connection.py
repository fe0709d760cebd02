"""One open connection: writes a request, hands out its response, and knows its deadlines."""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx

from stepeval.client.deadline import FOREVER, Deadline
from stepeval.client.desk import Desk
from stepeval.client.dialing import Line
from stepeval.client.http1 import ResponseParser
from stepeval.client.readiness import Readiness
from stepeval.client.stamps import Ancillary, ArrivalClock, Read
from stepeval.client.tls import TlsLayer
from stepeval.client.turn import Turn

_READ_SIZE = 64 * 1024
_MOST_UNREAD = 256 * 1024  # bytes that were read and not understood, before reading pauses
_KEEP_NS = 15e9  # an idle connection; routers forget silent ones without a word


class FirstByteTimeout(httpx.ReadTimeout):
    """Not a byte of the response came."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: for the write, then to the response's first byte, then between any two reads."""

    write: float = FOREVER
    first_byte: float = FOREVER
    idle: float = FOREVER

    @classmethod
    def of(cls, timeout: Mapping[str, float | None]) -> "Limits":
        """From httpx's request extension, in which ours is "first_byte" and idle is "read"."""
        idle = timeout.get("read")
        first = timeout.get("first_byte", idle)
        write = timeout.get("write")
        return cls(*(FOREVER if limit is None else limit for limit in (write, first, idle)))


@dataclass(frozen=True, slots=True)
class Station:
    """What all connections of a transport share."""

    loop: asyncio.AbstractEventLoop
    clock: ArrivalClock
    readiness: Readiness
    desk: Desk


class Connection:
    """``on_free`` is called when a response was read to its end and another request may follow,
    ``on_closed`` once at the end of it all.
    """

    def __init__(
        self,
        line: Line,
        station: Station,
        on_free: Callable[["Connection"], None],
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self._socket, self._tls, self._ancillary = line.socket, line.tls, line.ancillary
        self._loop, self._clock, self._desk = station.loop, station.clock, station.desk
        self._readiness = station.readiness
        self._on_free, self._on_closed = on_free, on_closed
        self._parser = ResponseParser()
        self._turn: Turn | None = None
        self._inbox: list[tuple[bytes | None, Read]] = []  # None is the end
        self._unread = 0  # bytes in the inbox
        self._unsent = b""
        self._limits = Limits()
        self._deadline = Deadline(self._on_due)
        self._moved_ns = self._emptied_ns = time.monotonic_ns()
        self._watched = False
        self._ended = False  # nothing more can be read
        self._broken: httpx.ReadError | None = None  # why, if it was no proper end
        self._spent = False  # never to be used again
        self.closed = False
        self._flow()

    def ask(self, data: bytes, limits: Limits, on_sent: Callable[[int], None]) -> Turn:
        """Writes ``data`` as far as it goes at once, the rest when it can.

        ``on_sent`` gets the time just before the first byte was handed to the kernel.

        Raises:
            OSError: The peer had closed, and nothing was sent.
        """
        encrypted = data if self._tls is None else self._tls.encrypt(data)
        sent_ns = time.monotonic_ns()
        self._send(encrypted)
        on_sent(sent_ns)
        self._limits = limits
        self._moved_ns = self._emptied_ns = sent_ns
        self._parser.next()
        self._turn = Turn(self._flow, self._leave)
        if self._tls is not None and self._tls.pending:  # it came with the handshake's end
            self._put(b"", Read(sent_ns, sent_ns))
        self._wait()
        return self._turn

    def is_stale(self) -> bool:
        """Whether the peer has closed, or said something unasked, since it was last used."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return self.closed or self._ended or bool(self._inbox)
        except OSError:
            pass
        return True

    def close(self, error: Exception | None = None) -> None:
        """A response under way ends with ``error``."""
        if self.closed:
            return
        self.closed = True
        turn, self._turn = self._turn, None
        self._inbox = []
        self._deadline.cancel()
        if self._watched:
            self._readiness.forget(self._socket)
        if self._unsent:
            self._loop.remove_writer(self._socket)
        self._socket.close()
        self._parser.close()
        self._on_closed(self)
        if turn is not None:
            turn.end(error or httpx.ReadError("the connection was closed"))

    # Reading: first whatever is there, with its stamp

    def _readable(self) -> None:
        before_ns = time.monotonic_ns()
        try:
            data, ancillary = self._receive()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # what was read before it still counts
            data, ancillary, self._broken = b"", (), httpx.ReadError(_words(error))
        read_ns = time.monotonic_ns()
        read = self._clock.read(ancillary, not_before_ns=self._emptied_ns, read_ns=read_ns)
        if len(data) < _READ_SIZE:
            self._emptied_ns = before_ns  # whatever is read next had not arrived by then
        self._ended = not data
        if not self._parser.silent:
            self._moved_ns = read_ns
            self._wait()
        self._put(data or None, read)

    def _receive(self) -> tuple[bytes, Ancillary]:
        if self._ancillary:
            return self._socket.recvmsg(_READ_SIZE, self._ancillary)[:2]
        return self._socket.recv(_READ_SIZE), ()

    def _put(self, data: bytes | None, read: Read) -> None:
        self._inbox.append((data, read))
        self._unread += len(data or b"")
        if len(self._inbox) == 1:
            self._desk.put(self._understand)
        if self._ended or self._unread > _MOST_UNREAD:
            self._flow()

    def _flow(self) -> None:
        """Reads only what somebody will take: a server must not be able to fill the memory."""
        turn = self._turn
        full = self._unread > _MOST_UNREAD or (turn is not None and turn.full)
        wanted = not (self.closed or self._ended or full)
        if wanted == self._watched:
            return
        self._watched = wanted
        if wanted:
            self._readiness.watch(self._socket, self._readable)
            self._moved_ns = time.monotonic_ns()
        else:
            self._readiness.forget(self._socket)
        self._wait()

    # Understanding: what the desk calls

    def _understand(self) -> bool:
        turn, inbox = self._turn, self._inbox
        self._inbox, self._unread = [], 0
        for data, read in inbox:
            if self.closed:
                return True
            self._take(data, read)
        if not (self.closed or self._watched):
            self._flow()
        return self._turn is not turn

    def _take(self, data: bytes | None, read: Read) -> None:
        turn, parser = self._turn, self._parser
        if turn is None:
            self.close()  # an end, or words that nobody asked for
            return
        was_silent = parser.silent
        fault = self._parse(data)
        if parser.head is not None:
            turn.begin(parser.head, read)
        if body := parser.take_body():
            turn.take(body, read)
        if fault is not None:
            self.close(fault)
        elif parser.complete:
            self._end_turn(turn)
        elif was_silent and not parser.silent:
            self._moved_ns = read.arrival_ns
            self._wait()
        if turn.full:
            self._flow()

    def _parse(self, data: bytes | None) -> httpx.TransportError | None:
        """What was wrong with it, which does not undo what was right before."""
        tls = self._tls
        try:
            if plain := data if tls is None or data is None else self._decrypted(tls, data):
                self._parser.feed(plain)
            if tls is not None and tls.failure is not None:
                self._broken = httpx.ReadError(f"TLS: {tls.failure}")
            if data is None or self._broken is not None or (tls is not None and tls.ended):
                self._end()
        except httpx.TransportError as error:
            return error
        return None

    def _decrypted(self, tls: TlsLayer, data: bytes) -> bytes:
        plain = tls.decrypt(data)
        if answer := tls.answer():
            with suppress(OSError):  # the next read will tell
                self._send(answer)
        return plain

    def _end(self) -> None:
        self._spent = True
        if self._broken is not None and not self._parser.complete:
            raise self._broken
        self._parser.end()

    def _end_turn(self, turn: Turn) -> None:
        self._turn = None
        if self._parser.reusable and not (self._spent or self._unsent):
            self._moved_ns = time.monotonic_ns()
            self._wait()
            self._on_free(self)
        else:
            self.close()
        turn.end()

    def _leave(self, turn: Turn) -> None:
        if self._turn is turn:
            self.close()

    # Writing

    def _send(self, data: bytes) -> None:
        """Raises OSError where not a byte of it went."""
        if self._unsent:
            self._unsent += data
            return
        try:
            written = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            written = 0
        if written < len(data):
            self._unsent = data[written:]
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        try:
            written = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # What the server has said before it closed may still be there to be read.
            self._spent = True
            written = len(self._unsent)
        self._unsent = self._unsent[written:]
        self._moved_ns = time.monotonic_ns()
        if not self._unsent:
            self._loop.remove_writer(self._socket)
        self._wait()

    # Deadlines

    def _wait(self) -> None:
        self._deadline.set(self._due_ns())

    def _due_ns(self) -> float:
        """A silence that is ours, because nobody takes what came, has no end."""
        if self._turn is None:
            return self._moved_ns + _KEEP_NS
        if self._unsent:
            return self._moved_ns + self._limits.write * 1e9
        if not self._watched:
            return FOREVER
        limit = self._limits.first_byte if self._parser.silent else self._limits.idle
        return self._moved_ns + limit * 1e9

    def _on_due(self) -> None:
        if self._inbox:  # the silence was ours: it came, and was not looked at yet
            self._understand()
        if self.closed:
            return
        if time.monotonic_ns() < self._due_ns():
            self._wait()
        else:
            self.close(self._timeout())

    def _timeout(self) -> httpx.TimeoutException:
        if self._unsent:
            return httpx.WriteTimeout("the request could not be written")
        if self._parser.silent:
            return FirstByteTimeout("no byte of a response came")
        return httpx.ReadTimeout("nothing more came")


def _words(error: OSError) -> str:
    return error.strerror or str(error)
