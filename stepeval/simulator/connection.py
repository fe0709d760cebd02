"""One client's connection: h11 reads the requests, replies are written when they are due.

h11 is asked to parse only. It would refuse to write half of what the menu of faults sends, and
writing through it costs more than the rest of a fast reply.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import h11

from stepeval.simulator.refusal import invalid
from stepeval.simulator.reply import VERSION, VERSION_HEADER, Delivery, Piece, Reply, head

_LARGEST_BODY = 64 << 20
_READ_AHEAD = 1 << 20  # of pipelined requests, before the client has to wait
_AT_ONCE = 1 << 16  # bytes joined into one write
_TURN = 16  # writes before other connections get theirs


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as read. Header names are in lower case; of repeated ones the last counts."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    read_ns: int
    chunked_allowed: bool


class Connection(asyncio.Protocol):
    """Requests are answered one after the other, however many were sent ahead."""

    def __init__(self, answer: Callable[[Incoming], Reply], members: set["Connection"]) -> None:
        self._answer, self._members = answer, members
        self._loop = asyncio.get_running_loop()
        self._parser = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._body_size = 0
        self._ahead = 0
        self._reply: Reply | None = None
        self._close_after = False
        self._paused = False
        self._timer: asyncio.Handle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._members.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._members.discard(self)
        if self._reply is not None:
            self._end(complete=False)
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._read_ns = time.monotonic_ns()
        self._parser.receive_data(data)
        if self._reply is None:
            self._advance()
            return
        self._ahead += len(data)
        if self._ahead > _READ_AHEAD:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._reply is not None and self._timer is None:
            self._tick()

    def abort(self) -> None:
        self._transport.abort()

    # Reading

    def _advance(self) -> None:
        """Parses and answers until bytes are missing or a reply has to wait for its time."""
        while self._reply is None and not self._transport.is_closing():
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(str(error))
                return
            if not isinstance(event, h11.Request | h11.Data | h11.EndOfMessage):
                return
            self._take(event)

    def _take(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        if isinstance(event, h11.Request):
            self._request = event
            if self._parser.they_are_waiting_for_100_continue:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif isinstance(event, h11.Data):
            self._body.append(bytes(event.data))
            self._body_size += len(event.data)
            if self._body_size > _LARGEST_BODY:
                self._refuse(f"the body is larger than {_LARGEST_BODY} bytes")
        else:
            self._begin()

    def _refuse(self, message: str) -> None:
        body = invalid(message).body
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            VERSION_HEADER: VERSION,
            "x-trace-id": "not-a-request",
            "connection": "close",
        }
        self._transport.write(head(400, headers) + body)
        self._transport.close()

    def _begin(self) -> None:
        request = self._request
        assert request is not None
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers
        }
        incoming = Incoming(
            method=request.method.decode("ascii"),
            path=request.target.decode("latin-1").partition("?")[0],
            headers=headers,
            body=b"".join(self._body),
            read_ns=self._read_ns,
            chunked_allowed=request.http_version >= b"1.1",
        )
        self._reset_parser()
        self._reply = self._answer(incoming)
        self._close_after = (
            self._reply.close
            or not incoming.chunked_allowed
            or "close" in headers.get("connection", "").lower()
        )
        self._pieces: Iterator[Piece] = iter(self._reply.pieces)
        self._held: Piece | None = None
        self._delivery = Delivery(incoming.read_ns)
        self._pump()

    def _reset_parser(self) -> None:
        """A new parser with what the client has sent ahead."""
        ahead, _ = self._parser.trailing_data
        self._parser = h11.Connection(h11.SERVER)
        if ahead:
            self._parser.receive_data(ahead)
        self._request, self._body, self._body_size = None, [], 0
        self._ahead = len(ahead)

    # Writing

    def _tick(self) -> None:
        self._timer = None
        self._pump()
        self._advance()

    def _pump(self) -> None:
        """Writes what is due, then ends the reply or arranges to be called again."""
        for _ in range(_TURN):
            if self._paused:
                return
            batch, wait_ns = self._due()
            if batch:
                self._write(batch)
            if wait_ns is None:
                self._end(complete=True)
                return
            if wait_ns > 0:
                self._timer = self._loop.call_later(wait_ns / 1e9, self._tick)
                return
        if not self._paused:
            self._timer = self._loop.call_soon(self._tick)

    def _due(self) -> tuple[list[Piece], int | None]:
        """The next pieces for one write, and how long until more is due (None: nothing is left)."""
        batch: list[Piece] = []
        size = 0
        elapsed_ns = time.monotonic_ns() - self._delivery.read_ns
        while size < _AT_ONCE:
            piece = self._held or next(self._pieces, None)
            self._held = None
            if piece is None:
                return batch, None
            if piece.delay_ns > elapsed_ns:
                self._held = piece
                return batch, piece.delay_ns - elapsed_ns
            batch.append(piece)
            size += len(piece.data)
        return batch, 0

    def _write(self, batch: list[Piece]) -> None:
        delivery = self._delivery
        now_ns = time.monotonic_ns()
        for piece in batch:
            if piece.event:
                delivery.offsets_us.append((now_ns - delivery.read_ns) // 1000)
            if piece.token and delivery.first_ns is None:
                delivery.first_ns = now_ns
        delivery.last_ns = now_ns
        self._transport.write(b"".join([piece.data for piece in batch]))

    def _end(self, *, complete: bool) -> None:
        reply = self._reply
        assert reply is not None
        self._reply = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._delivery.complete = complete
        reply.finished(self._delivery)
        if not complete:
            return
        if self._close_after:
            self._transport.close()
        elif self._ahead > _READ_AHEAD:
            self._transport.resume_reading()
