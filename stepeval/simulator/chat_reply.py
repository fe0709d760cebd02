"""A plan as the bytes of an HTTP response, streamed or whole, with a fault if one was drawn."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.dialect import DONE, Dialect, completion, stream
from stepeval.simulator.faults import EVENT_FAULTS
from stepeval.simulator.plan import Plan
from stepeval.simulator.reply import Delivery, Piece, Reply, chunk, head
from stepeval.simulator.sabotage import EVENTS, JSON, spoil_body, spoil_events
from stepeval.simulator.schedule import duration_ns, schedule


@dataclass(frozen=True, slots=True)
class ChatReply:
    plan: Plan
    body: Mapping[str, Any]
    config: SimulatorConfig
    fault: str | None
    headers: Mapping[str, str]
    finished: Callable[[Delivery], None]

    def reply(self, *, chunked: bool) -> Reply:
        dialect = _dialect(self.body, self.fault)
        created = int(time.time())
        if self.body.get("stream"):
            return self._stream(dialect, created, chunked=chunked)
        return self._whole(dialect, created)

    def _whole(self, dialect: Dialect, created: int) -> Reply:
        body = orjson.dumps(completion(self.plan, created, dialect))
        spoilt, left_open = spoil_body(self.fault, body)
        length = len(body) if left_open else len(spoilt)
        start = head(200, {"content-type": JSON, "content-length": str(length), **self.headers})
        delay_ns = duration_ns(self.plan, self.config.speed) + self._head_delay_ns
        piece = Piece(delay_ns, start + spoilt, event=True, token=True)
        return Reply((piece,), self.finished, close=left_open)

    def _stream(self, dialect: Dialect, created: int, *, chunked: bool) -> Reply:
        fields = {"content-type": EVENTS, "cache-control": "no-cache", **self.headers}
        if chunked:
            fields["transfer-encoding"] = "chunked"
        events: Iterable[Piece] = self._events(dialect, created)
        left_open = False
        if self.fault in EVENT_FAULTS:
            events, left_open = spoil_events(self.fault, list(events))
        pieces = self._framed(head(200, fields), events, chunked=chunked, left_open=left_open)
        return Reply(pieces, self.finished, close=left_open or not chunked)

    def _framed(
        self, start: bytes, events: Iterable[Piece], *, chunked: bool, left_open: bool
    ) -> Iterator[Piece]:
        """The head leaves with the first event, as from a server that has to queue."""
        last_ns = self._head_delay_ns
        if last_ns:
            yield Piece(last_ns, b"")
        for piece in events:
            last_ns = piece.delay_ns
            data = chunk(piece.data) if chunked else piece.data
            yield piece._replace(data=start + data)
            start = b""
        if not left_open:
            ending = chunk(DONE) + chunk(b"") if chunked else DONE
            yield Piece(last_ns, ending)

    def _events(self, dialect: Dialect, created: int) -> Iterator[Piece]:
        last_ns = 0
        events = schedule(self.plan, self.config.speed)
        for event, data in stream(self.plan, events, created, dialect):
            if event is None:
                yield Piece(last_ns, data, event=True)
                continue
            last_ns = event.delay_ns
            yield Piece(last_ns, data, event=True, token=event.tokens > 0)

    @property
    def _head_delay_ns(self) -> int:
        return round(self.config.slow_headers_s * 1e9) if self.fault == "slow-headers" else 0


def _dialect(body: Mapping[str, Any], fault: str | None) -> Dialect:
    deepseek = body.get("reasoning_format") == "deepseek-style"
    field = "reasoning_content" if deepseek else "reasoning"
    if fault == "no-usage":
        return Dialect("never", plain_nulls=True, reasoning_field=field)
    if fault == "usage-last":
        asked = (body.get("stream_options") or {}).get("include_usage") is True
        told = "last" if asked or not body.get("stream") else "never"
        return Dialect(told, plain_nulls=True, reasoning_field=field)
    sign = -1 if fault == "negative-usage" else 1
    return Dialect(reasoning_field=field, usage_sign=sign)
