"""One open connection: writes a request, hands out its response, and knows its deadlines."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from stepeval.client.desk import Desk
from stepeval.client.dialing import Line
from stepeval.client.http1 import ResponseParser
from stepeval.client.readiness import Readiness
from stepeval.client.stamps import Ancillary, ArrivalClock, Read
from stepeval.client.turn import Turn

_READ_SIZE = 64 * 1024
_FOREVER = float("inf")


class FirstByteTimeout(httpx.ReadTimeout):
    """Not a byte of the response came."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: for the write, then to the response's first byte, then between any two reads."""

    write: float = _FOREVER
    first_byte: float = _FOREVER
    idle: float = _FOREVER

    @classmethod
    def of(cls, timeout: Mapping[str, float | None]) -> "Deadlines":
        """From httpx's request extension, in which ours is "first_byte" and idle is "read"."""
        idle = timeout.get("read")
        first = timeout.get("first_byte", idle)
        write = timeout.get("write")
        return cls(*(_FOREVER if limit is None else limit for limit in (write, first, idle)))


@dataclass(frozen=True, slots=True)
class Station:
    """What all connections of a transport share."""

    clock: ArrivalClock
    readiness: Readiness
    desk: Desk


class Connection:
    """``on_free`` is called when a response was read to its end and another request may follow."""

    def __init__(
        self, line: Line, station: Station, on_free: Callable[["Connection"], None]
    ) -> None:
        self._socket, self._tls, self._ancillary = line.socket, line.tls, line.ancillary
        self._clock, self._desk = station.clock, station.desk
        self._readiness = station.readiness
        self._on_free = on_free
        self._loop = asyncio.get_running_loop()
        self._parser = ResponseParser()
        self._turn: Turn | None = None
        self._inbox: list[tuple[bytes, Read]] = []
        self._broken: httpx.ReadError | None = None
        self._unsent = b""
        self._deadlines = Deadlines()
        self._emptied_ns = time.monotonic_ns()
        self._due_ns = self._timer_ns = _FOREVER
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False
        self._free_since = 0.0
        self._readiness.watch(self._socket, self._readable)

    def ask(self, data: bytes, deadlines: Deadlines, on_sent: Callable[[int], None]) -> Turn:
        """Writes ``data`` as far as it goes at once, the rest when it can.

        ``on_sent`` gets the time just before the first byte was handed to the kernel.

        Raises:
            ConnectionError: The peer had closed, and nothing was sent.
        """
        self._deadlines = deadlines
        self._parser.next()
        encrypted = data if self._tls is None else self._tls.encrypt(data)
        sent_ns = time.monotonic_ns()
        try:
            written = self._socket.send(encrypted)
        except (BlockingIOError, InterruptedError):
            written = 0
        on_sent(sent_ns)
        self._emptied_ns = sent_ns
        self._turn = Turn(self._hold, self._leave)
        self._wait_for(deadlines.first_byte, sent_ns)
        if written < len(encrypted):
            self._unsent = encrypted[written:]
            self._loop.add_writer(self._socket, self._writable)
            self._wait_for(deadlines.write, sent_ns)
        return self._turn

    def idle_for(self) -> float:
        """Seconds since its last response."""
        return self._loop.time() - self._free_since

    def is_stale(self) -> bool:
        """Whether the peer has closed, or said something unasked, since it was last used."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return self.closed or bool(self._inbox)
        except OSError:
            pass
        return True

    def close(self, error: Exception | None = None) -> None:
        """A response under way ends with ``error``."""
        if self.closed:
            return
        self.closed = True
        self._inbox = []
        self._readiness.forget(self._socket)
        if self._unsent:
            self._loop.remove_writer(self._socket)
        self._socket.close()
        if self._timer is not None:
            self._timer.cancel()
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.end(error or httpx.ReadError("the connection was closed"))

    # What the event loop calls

    def _readable(self) -> None:
        before_ns = time.monotonic_ns()
        try:
            data, ancillary = self._receive()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # what was read before it still counts
            data, ancillary, self._broken = b"", (), httpx.ReadError(_words(error))
        emptied_ns, read_ns = self._emptied_ns, time.monotonic_ns()
        read = self._clock.read(ancillary, not_before_ns=emptied_ns, read_ns=read_ns)
        if len(data) < _READ_SIZE:
            self._emptied_ns = before_ns  # whatever is read next had not arrived by then
        if not data:
            self._readiness.forget(self._socket)  # an end is readable for ever
        elif self._turn is not None:
            self._wait_for(self._deadlines.idle, read_ns)
        self._inbox.append((data, read))
        if len(self._inbox) == 1:
            self._desk.put(self._understand)

    def _receive(self) -> tuple[bytes, Ancillary]:
        if self._ancillary:
            return self._socket.recvmsg(_READ_SIZE, self._ancillary)[:2]
        return self._socket.recv(_READ_SIZE), ()

    # What the desk calls

    def _understand(self) -> bool:
        turn, inbox, self._inbox = self._turn, self._inbox, []
        for data, read in inbox:
            if self.closed:
                break
            self._take(data, read)
        return self._turn is not turn

    def _take(self, data: bytes, read: Read) -> None:
        turn, parser = self._turn, self._parser
        if turn is None:
            self.close()  # an end, or words that nobody asked for
            return
        fault = self._parse(data)
        if parser.head is not None:
            turn.begin(parser.head, read)
        if body := parser.take_body():
            turn.take(body, read)
        if fault is not None:
            self.close(fault)
        elif parser.complete:
            self._end_turn(turn)

    def _parse(self, data: bytes) -> httpx.TransportError | None:
        """What was wrong with it, which does not undo what was right before."""
        try:
            if not data and self._broken is not None:
                raise self._broken
            plain, ended = (data, not data) if self._tls is None else self._decrypted(data)
            if plain:
                self._parser.feed(plain)
            if ended:
                self._parser.end()
        except httpx.TransportError as error:
            return error
        return None

    def _decrypted(self, data: bytes) -> tuple[bytes, bool]:
        assert self._tls is not None
        if not data:
            return b"", True
        try:
            plain, answer, ended = self._tls.decrypt(data)
        except ssl.SSLError as error:
            raise httpx.ReadError(f"TLS: {error}") from error
        if answer:
            self._socket.send(answer)
        return plain, ended

    def _end_turn(self, turn: Turn) -> None:
        self._turn = None
        self._due_ns = _FOREVER
        if self._parser.reusable and not self._unsent and not self.closed:
            self._free_since = self._loop.time()
            self._on_free(self)
        else:
            self.close()
        turn.end()

    def _writable(self) -> None:
        try:
            written = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            # What the server has said before it closed may still be there to be read.
            self._stop_writing()
            if not isinstance(error, BrokenPipeError | ConnectionResetError):
                self.close(httpx.WriteError(_words(error)))
            return
        self._unsent = self._unsent[written:]
        if self._unsent:
            self._wait_for(self._deadlines.write, time.monotonic_ns())
        else:
            self._stop_writing()
            self._wait_for(self._deadlines.first_byte, time.monotonic_ns())

    def _stop_writing(self) -> None:
        self._loop.remove_writer(self._socket)

    # Deadlines: one timer that is late rather than one that is set anew at every read

    def _wait_for(self, seconds: float, now_ns: int) -> None:
        self._due_ns = now_ns + seconds * 1e9
        if self._due_ns < self._timer_ns:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = self._due_ns
        left_s = (self._due_ns - time.monotonic_ns()) / 1e9
        self._timer = self._loop.call_later(max(left_s, 0.0), self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer, self._timer_ns = None, _FOREVER
        if time.monotonic_ns() >= self._due_ns:
            self.close(self._timeout())
        elif self._due_ns < _FOREVER:
            self._set_timer()

    def _timeout(self) -> httpx.TimeoutException:
        if self._unsent:
            return httpx.WriteTimeout("the request could not be written")
        if self._parser.silent:
            return FirstByteTimeout("no byte of a response came")
        return httpx.ReadTimeout("nothing more came")

    # What the response's reader asks for

    def _hold(self, turn: Turn, hold: bool) -> None:
        if self._turn is not turn:
            return
        if hold:
            self._readiness.forget(self._socket)
            self._due_ns = _FOREVER  # the silence is ours
        else:
            self._readiness.watch(self._socket, self._readable)
            self._wait_for(self._deadlines.idle, time.monotonic_ns())

    def _leave(self, turn: Turn) -> None:
        if self._turn is turn:
            self.close()


def _words(error: OSError) -> str:
    return error.strerror or str(error)
