"""Server-sent events, from bytes in any pieces to events with the time they arrived. Pure."""

from dataclasses import dataclass

from stepeval.client.faults import BadBody
from stepeval.core.chat import FailureKind

LARGEST_EVENT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """``coalesced``: an event before it in the same read, or after it, was seen as well."""

    data: str
    arrival_ns: int
    not_before_ns: int
    coalesced: bool


class EventParser:
    """``opened_ns`` is when the first byte could have come at the earliest.

    Feeds with an equal ``arrival_ns`` are pieces of one read. An event that an earlier piece of
    its read has completed is already out, and cannot be told that it was not alone.
    """

    def __init__(self, opened_ns: int, cap: int = LARGEST_EVENT) -> None:
        self._arrival = opened_ns
        self._not_before = opened_ns
        self._cap = cap
        self._line: list[bytes] = []  # pieces of the unfinished line
        self._data: list[str] = []  # data lines of the unfinished event
        self._size = 0  # of both
        self._after_cr = False
        self._at_start = True
        self._seen_in_read = 0

    def feed(self, data: bytes, arrival_ns: int) -> list[Event]:
        """The events that ``data`` completes.

        Raises:
            BadBody: Invalid UTF-8 (BAD_STREAM), or an event above the cap (TOO_LARGE).
        """
        if arrival_ns != self._arrival:
            self._not_before, self._arrival = self._arrival, arrival_ns
            self._seen_in_read = 0
        found = [text for line in self._lines(data) if (text := self._take(line)) is not None]
        return self._stamp(found)

    def end(self) -> list[Event]:
        """What the last line makes of it, for servers that end without a blank line."""
        line = b"".join(self._line)
        self._line = []
        found = [self._take(line), self._take(b"")] if line else [self._take(b"")]
        return self._stamp([text for text in found if text is not None])

    def _stamp(self, found: list[str]) -> list[Event]:
        self._seen_in_read += len(found)
        shared = self._seen_in_read > 1
        return [Event(text, self._arrival, self._not_before, shared) for text in found]

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
            try:
                self._data.append(value.removeprefix(b" ").decode())
            except UnicodeDecodeError as error:
                message = f"the stream is not valid UTF-8 ({error.reason})"
                raise BadBody(FailureKind.BAD_STREAM, message) from None
        return None
