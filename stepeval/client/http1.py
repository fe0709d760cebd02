"""HTTP/1.1: a request as bytes, and bytes as a response. No IO; httptools knows the grammar."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_LONGEST_FRAMING = 64 * 1024  # bytes in a row that are no body: a head, trailers, extensions
_MOST_INFORMATIONAL = 20  # "100 Continue" and its like before one response
_INFORMATIONAL = range(100, 200)


class LongHead(httpx.RemoteProtocolError):
    """Headers, or other framing, without end."""


class ClosedEarly(httpx.RemoteProtocolError):
    """The connection ended before the response did."""


class ExtraResponse(httpx.RemoteProtocolError):
    """More than the one response that was asked for."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """``framed``: the body's end is marked, so that a closed connection cannot pass for it."""

    status: int
    headers: Headers
    framed: bool


def encode_request(request: httpx.Request, body: bytes) -> bytes:
    """Raises httpx.LocalProtocolError for a header that would become two, and for HEAD."""
    if request.method == "HEAD":  # its response says that a body comes, and none does
        raise httpx.LocalProtocolError("HEAD is not spoken here", request=request)
    headers = request.headers.raw
    if b"transfer-encoding" in {name.lower() for name, _ in headers}:  # it was read whole since
        headers = [pair for pair in headers if pair[0].lower() != b"transfer-encoding"]
        headers.append((b"Content-Length", b"%d" % len(body)))
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%b: %b" % pair for pair in headers]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(headers) or head.count(b"\r") != len(headers):
        raise httpx.LocalProtocolError("a header holds the end of a line", request=request)
    return b"%b\r\n\r\n%b" % (head, body)


class ResponseParser:
    """Feed it what arrives, then look at ``head``, ``complete`` and :meth:`take_body`.

    ``reusable``: the response is at its end, and the connection may carry another one.
    """

    def __init__(self) -> None:
        self._parser: Any = HttpResponseParser(self)
        self.next()

    def next(self) -> None:
        """Gets ready for the next response on the same connection."""
        self.head: ResponseHead | None = None
        self.complete = False
        self._extra = False
        self._keep_alive = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._framing = 0
        self._informational = 0
        self.silent = True  # not a byte has come

    def feed(self, data: bytes) -> None:
        """Raises httpx.RemoteProtocolError (or a kind of its own of it)."""
        self.silent = False
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise httpx.RemoteProtocolError("it switched to another protocol") from None
        except HttpParserError as error:
            if not self.complete:
                raise httpx.RemoteProtocolError(str(error)) from None
            self._extra = True
        if self._extra:
            raise ExtraResponse("more than one response to one request")
        self._framing = 0 if self._pieces or self.complete else self._framing + len(data)
        if self._framing > _LONGEST_FRAMING or self._informational > _MOST_INFORMATIONAL:
            raise LongHead(f"more than {_LONGEST_FRAMING:,} bytes of headers, and no end")

    def end(self) -> None:
        """The connection is at its end. Raises ClosedEarly unless the response may end so."""
        if self.complete:
            return
        if self.head is None:
            raise ClosedEarly("it ended without a response")
        if self.head.framed:
            raise ClosedEarly("it ended before the response did")
        self.complete = True

    def close(self) -> None:
        """It holds what holds it, and the garbage collector seldom looks."""
        self._parser = None

    def take_body(self) -> bytes:
        """The body's bytes since the last call."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def reusable(self) -> bool:
        return self.complete and self._keep_alive

    # What httptools calls

    def on_message_begin(self) -> None:
        self._extra = self._extra or self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None:  # later ones are trailers, which say nothing to us
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._extra:
            return
        status = self._parser.get_status_code()
        if status in _INFORMATIONAL:
            self._informational += 1
            self._headers = []
            return
        headers = tuple(self._headers)
        named = {name.lower() for name, _ in headers}
        framed = b"content-length" in named or b"transfer-encoding" in named
        self._keep_alive = self._parser.should_keep_alive()
        self.head = ResponseHead(status, headers, framed)

    def on_body(self, body: bytes) -> None:
        if not self._extra:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.complete = self.complete or self.head is not None
