"""Server-sent events, from bytes in any pieces to events with the time they arrived. Pure."""

from typing import NamedTuple

from stepeval.client.faults import BadBody
from stepeval.client.stamps import Read
from stepeval.core.chat import FailureKind

LARGEST_EVENT = 16 * 1024 * 1024
_FIELD = b"data: "
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """``coalesced``: an event before it in the same read, or after it, was seen as well."""

    data: str
    read: Read
    coalesced: bool


class EventParser:
    """An event that an earlier piece of its read has completed is already out, and cannot be told
    that it was not alone.
    """

    def __init__(self, cap: int = LARGEST_EVENT) -> None:
        self._read: Read | None = None
        self._cap = cap
        self._line: list[bytes] = []  # pieces of the unfinished line
        self._data: list[str] = []  # data lines of the unfinished event
        self._size = 0  # of both
        self._after_cr = False
        self._at_start = True
        self._seen_in_read = 0

    def feed(self, data: bytes, read: Read) -> list[Event]:
        """The events that ``data`` completes; equal reads mark pieces of one.

        Raises:
            BadBody: Invalid UTF-8 (BAD_STREAM), or an event above the cap (TOO_LARGE).
        """
        if read != self._read:
            self._read = read
            self._seen_in_read = 0
        if self._is_one_event(data):
            return self._stamp([_text(data[len(_FIELD) : -2])])
        found = [text for line in self._lines(data) if (text := self._take(line)) is not None]
        return self._stamp(found)

    def _is_one_event(self, data: bytes) -> bool:
        """The common case: a read that is one event of one line, which needs no line splitting."""
        return (
            data.startswith(_FIELD)
            and data.endswith(b"\n\n")
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
            and not (self._line or self._data or self._after_cr or self._at_start)
            and len(data) <= self._cap
        )

    def end(self) -> list[Event]:
        """What the last line makes of it, for servers that end without a blank line."""
        line = b"".join(self._line)
        self._line = []
        found = [self._take(line), self._take(b"")] if line else [self._take(b"")]
        return self._stamp([text for text in found if text is not None])

    def _stamp(self, found: list[str]) -> list[Event]:
        read = self._read
        if read is None or not found:
            return []
        self._seen_in_read += len(found)
        shared = self._seen_in_read > 1
        return [Event(text, read, shared) for text in found]

    def _lines(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes, without their ends."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")  # the other half of a CRLF cut in two
            self._after_cr = False
        if not data:
            return []
        self._after_cr = data.endswith(b"\r")
        self._grow(len(data))
        self._line.append(data)
        if b"\n" not in data and b"\r" not in data:
            return []
        text = b"".join(self._line)
        lines = text.splitlines()  # of bytes: at LF, CR and CRLF only
        self._line = [] if text.endswith((b"\n", b"\r")) else [lines.pop()]
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        self._size = sum(map(len, self._line)) + sum(map(len, self._data))
        return lines

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._cap:
            raise BadBody(FailureKind.TOO_LARGE, f"a stream event is above {self._cap:,} bytes")

    def _take(self, line: bytes) -> str | None:
        """The event's data, where this line ends one."""
        if not line:
            if not self._data:
                return None
            text = "\n".join(self._data)
            self._data = []
            return text
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(_text(value.removeprefix(b" ")))
        return None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        message = f"the stream is not valid UTF-8 ({error.reason})"
        raise BadBody(FailureKind.BAD_STREAM, message) from None
