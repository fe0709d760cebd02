"""A server that answers as cheaply as Python can: what a client does beside it is the client's.

Sockets are read and written directly, without asyncio's transports: those would cost more than
the rest. One timer serves all streams.
"""

import asyncio
import heapq
import math
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stepeval.core.errors import UsageError
from stepeval.core.hosts import is_loopback
from stepeval.simulator import arrivals, canned
from stepeval.simulator.truth import Truth, TruthLog

_TURN = 64  # writes, or accepted connections, before the others get their turn
_READ = 1 << 16
_MOST_HELD = 9 << 20  # of requests sent ahead
_OUT_OF_FILES_S = 0.1  # before the next try to accept


@dataclass(frozen=True, slots=True)
class NullConfig:
    """A plain answer waits ``latency_ms``; a stream's first chunk ``ttft_ms``, each other one
    ``gap_ms`` more. Nothing is random.

    Raises:
        UsageError: No chunks, or a negative delay.
    """

    latency_ms: float = 0.0
    ttft_ms: float = 0.0
    gap_ms: float = 0.0
    chunks: int = 16
    content: str = "42"
    truth_log: Path | None = None

    def __post_init__(self) -> None:
        if self.chunks < 1:
            raise UsageError(f"a stream needs 1 chunk or more, not {self.chunks}")
        for delay in (self.latency_ms, self.ttft_ms, self.gap_ms):
            if not 0 <= delay < math.inf:
                raise UsageError(f"a delay must be 0 or more, not {delay} ms")


class Answer(NamedTuple):
    """``events``: of the stream, in each write. ``token``: whether they carry tokens."""

    status: int
    writes: tuple[bytes, ...]
    delay_ns: int = 0
    events: int = 0
    token: bool = False


class NullServer:
    """POST .../chat/completions with ``"stream": true`` or without, and GET .../models."""

    def __init__(self, config: NullConfig) -> None:
        self._config = config
        self.gap_ns = round(config.gap_ms * 1e6)
        writes, events = canned.stream(config.chunks), 1
        if not self.gap_ns:
            writes, events = (b"".join(writes),), config.chunks
        whole = (canned.completion(config.content),)
        self._stream = Answer(200, writes, round(config.ttft_ms * 1e6), events, token=True)
        self._whole = Answer(200, whole, round(config.latency_ms * 1e6), 1, token=True)
        self._models = Answer(200, (canned.models(),))
        self._not_found = Answer(404, (canned.not_found(),))
        self.connections: set[Connection] = set()
        self._due: list[tuple[int, int, Connection]] = []
        self._order = 0
        self._timer: asyncio.Handle | None = None
        self._armed_ns = 0
        self.log: TruthLog | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens; port 0 means any free one. Returns the port.

        Raises:
            UsageError: The address is not loopback's, it cannot be bound, or the truth log
                cannot be written.
        """
        if not is_loopback(host):
            raise UsageError(f"the simulator only listens on loopback (127.0.0.1), not on {host}")
        self.loop = asyncio.get_running_loop()
        try:
            self._listener = socket.create_server((host, port), backlog=16384)
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error}") from error
        self._listener.setblocking(False)
        self.stamped = arrivals.ask_for_stamps(self._listener)
        if self._config.truth_log is not None:
            try:
                self.log = TruthLog(self._config.truth_log)
            except UsageError:
                self._listener.close()
                raise
        self.loop.add_reader(self._listener, self._accept)
        bound: int = self._listener.getsockname()[1]
        return bound

    async def close(self) -> None:
        """Ends every connection and writes what the truth log still holds."""
        self.loop.remove_reader(self._listener)
        self._listener.close()
        for connection in tuple(self.connections):
            connection.close()
        if self._timer is not None:
            self._timer.cancel()
        if self.log is not None:
            self.log.close()

    def answer(self, asked: canned.Asked) -> Answer:
        if asked.method == b"POST" and asked.completion:
            return self._stream if asked.stream else self._whole
        known = asked.method == b"GET" and asked.path.endswith((b"/models", b"/health"))
        return self._models if known else self._not_found

    def at(self, due_ns: int, connection: "Connection") -> None:
        """Has the connection's next write made then."""
        self._order += 1  # so that no two connections are ever compared
        heapq.heappush(self._due, (due_ns, self._order, connection))
        if self._timer is None or due_ns < self._armed_ns:
            self._arm(due_ns)

    def _accept(self) -> None:
        for _ in range(_TURN):
            try:
                opened, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # no file left for it: were we told again at once, we would spin
                self.loop.remove_reader(self._listener)
                self.loop.call_later(_OUT_OF_FILES_S, self._accept_again)
                return
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Connection(self, opened)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self.loop.add_reader(self._listener, self._accept)

    def _arm(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ns = due_ns
        self._timer = self.loop.call_at(due_ns / 1e9, self._tick)

    def _tick(self) -> None:
        """Makes the writes that are due, but not so many that requests are read late."""
        self._timer = None
        due = self._due
        for _ in range(_TURN):
            if not due:
                return
            due_ns, order, connection = due[0]
            if due_ns > time.monotonic_ns():
                self._arm(due_ns)
                return
            if connection.writes_left > 1:
                heapq.heapreplace(due, (due_ns + self.gap_ns, order, connection))
            else:
                heapq.heappop(due)
            connection.go_on()
        self._timer = self.loop.call_soon(self._tick)


class Connection:
    """Requests are answered one after the other, however many were sent ahead."""

    _asked: canned.Asked
    _answer: Answer
    _asked_ns: int
    _first_ns: int | None
    _last_ns: int | None
    _offsets: list[int]

    def __init__(self, server: NullServer, opened: socket.socket) -> None:
        self._server, self._socket = server, opened
        self._read = arrivals.read_stamped if server.stamped else arrivals.read
        self._held = self._unsent = b""
        self._read_ns = self.writes_left = 0
        server.connections.add(self)
        server.loop.add_reader(opened, self._readable)

    def close(self) -> None:
        if self not in self._server.connections:
            return
        if self.writes_left:
            self._record(complete=False)
            self.writes_left = 0
        self._server.connections.discard(self)
        self._server.loop.remove_reader(self._socket)
        self._server.loop.remove_writer(self._socket)
        self._socket.close()

    # Reading

    def _readable(self) -> None:
        try:
            data, self._read_ns = self._read(self._socket, _READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._held = self._held + data if self._held else data
        if not data or len(self._held) > _MOST_HELD:
            self.close()
        elif not self.writes_left:
            self._advance()

    def _advance(self) -> None:
        """Answers until bytes are missing, an answer has to wait, or the client does not read."""
        while self._held and not self.writes_left and not self._unsent:
            try:
                asked = canned.find_request(self._held)
            except ValueError as error:
                self._send(canned.refused(str(error)))
                self.close()
                return
            if asked is None:
                return
            self._held = self._held[asked.size :]
            self._begin(asked)

    def _begin(self, asked: canned.Asked) -> None:
        self._asked, self._answer = asked, self._server.answer(asked)
        self._asked_ns = self._read_ns
        self._first_ns = self._last_ns = None
        self._offsets = []
        self.writes_left = len(self._answer.writes)
        delay_ns = self._answer.delay_ns
        if delay_ns:
            self._server.at(self._asked_ns + delay_ns, self)
            return
        if self.writes_left > 1:
            self._server.at(self._asked_ns + self._server.gap_ns, self)
        self._write()

    # Writing

    def go_on(self) -> None:
        """The next write is due."""
        if self.writes_left:
            self._write()
            if not self.writes_left:
                self._advance()

    def _write(self) -> None:
        answer = self._answer
        data = answer.writes[-self.writes_left]
        now_ns = time.monotonic_ns()
        self._send(data)
        if not self.writes_left:
            return  # the client is gone
        self._last_ns = now_ns
        if self._first_ns is None and answer.token:
            self._first_ns = now_ns
        if self._server.log is not None:
            offset_us = (now_ns - self._asked_ns) // 1000
            self._offsets += (offset_us,) * answer.events
        self.writes_left -= 1
        if self.writes_left:
            return
        self._record(complete=True)
        if self._asked.close and not self._unsent:
            self.close()

    def _send(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._server.loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        waiting, self._unsent = self._unsent, b""
        self._server.loop.remove_writer(self._socket)
        self._send(waiting)
        if self._unsent or self.writes_left:
            return
        if self._asked.close:
            self.close()
        else:
            self._advance()

    def _record(self, *, complete: bool) -> None:
        if self._server.log is None:
            return
        truth = Truth(
            request_id=self._asked.request_id,
            read_ns=self._asked_ns,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            status=self._answer.status if self._last_ns is not None else None,
            complete=complete,
            offsets_us=tuple(self._offsets),
            body=self._asked.body.decode("utf-8", "replace"),
        )
        self._server.log.add(truth)
