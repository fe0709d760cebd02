"""A response taken down as it comes, so that it can be read again without a server."""

from collections.abc import Iterable, Mapping

from stepeval.client.exposure import exposes
from stepeval.client.playback import play
from stepeval.client.reception import Head
from stepeval.client.scrub import scrub
from stepeval.client.stamps import Read
from stepeval.client.turn import Sink
from stepeval.core.chat import FailureKind, Piece, Wire
from stepeval.core.secret import Secret

# What a response is understood by; the others would make every recording differ from the last.
_THAT_MATTER = (
    "content-type",
    "content-encoding",
    "location",
    "x-request-id",
    "x-stepeval-simulator",
    "x-trace-id",
)


class Tape:
    """Of one exchange. Times are made relative to when the request was sent."""

    def __init__(self) -> None:
        self._sent_ns: int | None = None
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._headers_ns: int | None = None
        self._reads: list[tuple[Read, bytes]] = []
        self._cut: tuple[FailureKind, str] | None = None

    def sent(self, sent_ns: int) -> None:
        self._sent_ns = sent_ns

    def begin(self, head: Head, headers: Mapping[str, str], arrival_ns: int) -> None:
        self._status, self._headers_ns = head.status, arrival_ns
        self._headers = {name: headers[name] for name in _THAT_MATTER if name in headers}
        if head.retry_after_s is not None:  # which may have been a date
            self._headers["retry-after"] = f"{head.retry_after_s:.3f}"

    def before(self, sink: Sink) -> Sink:
        """``sink``, of which everything is taken down first."""

        def take(data: bytes, read: Read) -> bool:
            self._reads.append((read, bytes(data)))
            return sink(data, read)

        return take

    def cut(self, kind: FailureKind, message: str) -> None:
        self._cut = (kind, message)

    def wire(self, asked: str, secrets: Iterable[Secret]) -> Wire | None:
        """What was taken down, without keys; ``asked`` is the request's URL and body.

        None where a key cannot be taken out: it stands in the request, or the server sent it in
        pieces, escaped or compressed, so that it only shows once the response is understood.
        """
        kept = tuple(secrets)
        if any(secret.scrub(asked) != asked for secret in kept):
            return None
        wire = self._without(kept)
        if not kept:
            return wire
        result = play(wire, 0)
        return None if exposes(wire, kept) or scrub(result, kept) != result else wire

    def _without(self, secrets: tuple[Secret, ...]) -> Wire:
        def clean(text: str) -> str:
            for secret in secrets:
                text = secret.scrub(text)
            return text

        since = self._sent_ns or 0
        data = b"".join(data for _, data in self._reads)
        for secret in secrets:
            data = secret.blot(data)
        return Wire(
            sent=self._sent_ns is not None,
            status=self._status,
            headers={name: clean(value) for name, value in self._headers.items()},
            headers_ns=None if self._headers_ns is None else self._headers_ns - since,
            pieces=tuple(self._pieces(data, since)),
            cut=None if self._cut is None else (self._cut[0], clean(self._cut[1])),
        )

    def _pieces(self, data: bytes, since: int) -> Iterable[Piece]:
        """``data`` is all of the body, whose pieces keep their places."""
        start = 0
        for read, piece in self._reads:
            end = start + len(piece)
            arrival, before = read.arrival_ns - since, read.not_before_ns - since
            yield Piece(arrival, before, data[start:end], read.stamp)
            start = end
