"""One response from its head to its end, as the value it comes to. No IO and no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stepeval.client.body import Decoder
from stepeval.client.failures import error_message, kind_of_status, retry_after_s, trace_id
from stepeval.client.faults import BadBody
from stepeval.client.sse import Event, EventParser
from stepeval.client.stamps import Read
from stepeval.client.stream import StreamFold
from stepeval.client.wire_response import decode
from stepeval.core.chat import Failure, FailureKind, Response, Timing

SIMULATOR_HEADER = "x-stepeval-simulator"
_QUOTA = "x-ratelimit-"
_JSON, _EVENTS = "application/json", "text/event-stream"
_ENOUGH = 64 * 1024  # of a body that is only quoted from
_LONGEST_MESSAGE = 500
_LONGEST_EXCERPT = 200
_SEARCHED = 16 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """``content_type`` and ``encoding`` are headers as they came, "" where there was none."""

    status: int
    content_type: str = ""
    encoding: str = ""
    retry_after_s: float | None = None
    trace_id: str | None = None
    simulated: bool = False
    location: str | None = None
    quota: Mapping[str, str] | None = None


def read_head(status: int, headers: Mapping[str, str], now: float) -> Head:
    """``headers`` have lower-case names; ``now`` is seconds since 1970."""
    return Head(
        status=status,
        content_type=headers.get("content-type", ""),
        encoding=headers.get("content-encoding", ""),
        retry_after_s=retry_after_s(headers, now),
        trace_id=trace_id(headers),
        simulated=SIMULATOR_HEADER in headers,
        location=headers.get("location"),
        quota={name: said for name, said in headers.items() if name.startswith(_QUOTA)} or None,
    )


class Reception:
    """Feed it the body, then :meth:`end` it; where the connection fails, :meth:`cut` it.

    ``timing`` holds the stages reached with the head. ``clean`` takes keys out of a text.
    """

    def __init__(self, head: Head, timing: Timing, cap: int, clean: Callable[[str], str]) -> None:
        self._head = head
        self._timing = timing
        self._clean = clean
        self._arrival = timing.headers_ns
        self._begun = False
        media = head.content_type.partition(";")[0].strip().lower()
        self._media = media if head.status // 100 == 2 else ""  # noqa: PLR2004 - success
        self._decoder = Decoder(head.encoding, cap)
        self._body = bytearray()
        self._parser = EventParser()
        self._fold = StreamFold()
        self._done = False

    def feed(self, data: bytes, read: Read) -> bool:
        """True once nothing more is needed. Pieces of one read come with equal ones.

        Raises:
            BadBody: What came is no answer; hand it to :meth:`refuse`.
        """
        self._arrival = read.arrival_ns
        self._begun = True
        quoted = self._media not in (_JSON, _EVENTS)
        data = self._some_of(data) if quoted else self._decoder.feed(data)
        if self._media == _EVENTS:
            self._take(self._parser.feed(data, read))
            return self._done
        self._body += data
        return quoted and len(self._body) >= _ENOUGH

    def end(self) -> Response | Failure:
        """The body is complete. Raises BadBody as :meth:`feed` does."""
        if self._head.status // 100 != 2:  # noqa: PLR2004 - success
            return self._refusal()
        if self._media == _JSON:
            self._decoder.end()
            return decode(bytes(self._body), self._ended(), *self._marks())
        if self._media != _EVENTS:
            said = self._clean(self._head.content_type)[:100]  # cleaned whole: a cut key is a key
            named = repr(said) if said else "nothing"
            message = f"the response is {named}, neither JSON nor an event stream"
            raise BadBody(FailureKind.CONTENT_TYPE, message, excerpt=bytes(self._body))
        if not self._done:
            self._end_stream()
        return self._fold.response(self._ended(), *self._marks())

    def refuse(self, fault: BadBody) -> Failure:
        """The Failure that a BadBody stands for."""
        message = fault.message
        excerpt = fault.excerpt[:_SEARCHED]
        if isinstance(excerpt, bytes):
            excerpt = excerpt.decode(errors="replace")
        if excerpt:
            message = f"{message}: {self._clean(excerpt)[:_LONGEST_EXCERPT]!r}"
        return self._failure(fault.kind, message, fault.status)

    def cut(self, kind: FailureKind, message: str) -> Response | Failure:
        """The body will not be completed. An answer that lacks nothing but its end is one."""
        if self._head.status // 100 != 2:  # noqa: PLR2004 - success
            return self._refusal()
        if self._done or (self._fold.finished and kind is FailureKind.DISCONNECTED):
            return self._fold.response(self._ended(), *self._marks())
        return self._failure(kind, message)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            said = event.data.strip()
            if self._done or not said:
                continue
            if said == "[DONE]":
                if not self._fold.answered:
                    raise BadBody(FailureKind.BAD_STREAM, "the stream ended without a choice")
                self._done = True
            else:
                self._fold.add(event)

    def _end_stream(self) -> None:
        try:
            self._take(self._parser.end())
        except BadBody as fault:
            if fault.kind is not FailureKind.BAD_STREAM:
                raise  # an error the server reports; else it is an event cut in the middle
        if self._done or self._fold.finished:
            return
        if not self._begun:
            raise BadBody(FailureKind.DISCONNECTED, "the stream ended before its first event")
        if self._fold.empty:
            raise BadBody(FailureKind.BAD_STREAM, "the stream held no event of a chat completion")
        raise BadBody(FailureKind.DISCONNECTED, "the stream ended before the answer did")

    def _some_of(self, data: bytes) -> bytes:
        try:
            return self._decoder.feed(data)
        except BadBody:
            return b""  # the status says enough

    def _refusal(self) -> Failure:
        head = self._head
        kind = kind_of_status(head.status)
        if kind is FailureKind.REDIRECT:
            return self._failure(kind, f"redirected to {head.location}, which is not followed")
        said = error_message(bytes(self._body))
        return self._failure(kind, said or f"HTTP status {head.status} without a word")

    def _failure(self, kind: FailureKind, message: str, status: int | None = None) -> Failure:
        head = self._head
        timing = replace(self._timing, chunks=self._fold.chunks())
        partial = None if self._fold.empty else self._fold.response(timing, *self._marks())
        return Failure(
            kind=kind,
            message=self._clean(message)[:_LONGEST_MESSAGE],
            status=status or head.status,
            retry_after_s=head.retry_after_s,
            trace_id=head.trace_id,
            timing=timing,
            partial=partial,
        )

    def _ended(self) -> Timing:
        return replace(self._timing, done_ns=self._arrival, chunks=self._fold.chunks())

    def _marks(self) -> tuple[str | None, bool]:
        return self._head.trace_id, self._head.simulated
