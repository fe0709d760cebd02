"""A response as bytes and the moments they are due. What is written need not be good HTTP."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

VERSION = "1"
VERSION_HEADER = "x-stepeval-simulator"


class Piece(NamedTuple):
    """``event``: an event of the stream, or all of an answer that is none; ``token``: one of
    those that carry tokens. Empty ``data`` only waits.
    """

    delay_ns: int
    data: bytes
    event: bool = False
    token: bool = False


@dataclass(slots=True)
class Delivery:
    """How far a reply came. Stamps are taken just before the bytes are handed to the socket."""

    read_ns: int
    first_ns: int | None = None
    last_ns: int | None = None
    offsets_us: list[int] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Delays count from the moment the request was read. ``close``: the connection ends with it.

    ``finished`` is called once, when all is written or the client is gone.
    """

    pieces: Iterable[Piece]
    finished: Callable[[Delivery], None]
    close: bool = False


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """``data`` in HTTP's chunked coding; b"" ends a body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
