"""Responses that are not what they should be: how each fault of the menu looks on the wire."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, islice

from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.reply import Piece, chunk, head

JSON = "application/json"
EVENTS = "text/event-stream"
_BLOCK = 1 << 16
_MOST_ENDLESS_EVENTS = 1_000_000
_TRICKLE_S = 0.2
_LONGEST_TRICKLE = 10_000


def spoil_events(name: str | None, events: list[Piece]) -> tuple[list[Piece], bool]:
    """The events of a good stream after the fault ``name``, and whether the body is left open."""
    half = len(events) // 2
    if name == "cut-stream":
        return events[: max(1, half)], True
    if name == "broken-sse":
        broken = events[half]
        data = broken.data[: len(broken.data) // 2] + b"\n\n"
        return [*events[:half], broken._replace(data=data), *events[half + 1 :]], False
    if name == "invalid-utf8":
        return [spoil_text(event) for event in events], False
    return events, False


def spoil_body(name: str | None, body: bytes) -> tuple[bytes, bool]:
    """The same for an answer in one piece."""
    half = len(body) // 2
    if name == "cut-stream":
        return body[:half], True
    if name == "broken-sse":
        return body[:half], False
    if name == "invalid-utf8":
        return spoil_text(Piece(0, body)).data, False
    return body, False


def spoil_text(piece: Piece) -> Piece:
    """Bytes that no UTF-8 text has, at the start of each content."""
    return piece._replace(data=piece.data.replace(b'"content":"', b'"content":"\xff\xfe'))


def body_fault(
    name: str, config: SimulatorConfig, headers: Mapping[str, str], *, streaming: bool
) -> Iterable[Piece]:
    """A whole response that is wrong from its first byte."""
    kind = EVENTS if streaming else JSON
    return _BODIES[name](config, {"content-type": kind, **headers})


def _early_close(_config: SimulatorConfig, _headers: Mapping[str, str]) -> Iterator[Piece]:
    return iter(())


def _garbage(_config: SimulatorConfig, _headers: Mapping[str, str]) -> Iterator[Piece]:
    yield Piece(0, b"\x16\x03\x01 SSH-2.0 this is no HTTP\r\n\x00\xff\xfe\r\n\r\n")


def _wrong_type(_config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    page = b"<!doctype html><title>Welcome</title><p>Log in to use this network."
    fields = {**headers, "content-type": "text/html", "content-length": str(len(page))}
    yield Piece(0, head(200, fields) + page)


def _huge_line(config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    yield Piece(0, head(200, {**headers, "transfer-encoding": "chunked"}))
    yield Piece(0, chunk(b'data: {"id":"' if headers["content-type"] == EVENTS else b'{"id":"'))
    for _ in range(config.flood_bytes // _BLOCK):
        yield Piece(0, chunk(b"x" * _BLOCK))
    yield Piece(0, chunk(b'"}\n\n') + chunk(b""))


def _endless(config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    """The same token again and again, at the model's pace."""
    yield Piece(0, head(200, {**headers, "transfer-encoding": "chunked"}))
    text = (
        b'{"id":"endless","object":"chat.completion.chunk","created":0,"model":"endless",'
        b'"choices":[{"index":0,"delta":{"role":"","content":" more"},"finish_reason":""}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":%d,"total_tokens":%d}}'
    )
    gap_ns = round(config.speed.itl_ms * config.speed.scale * 1e6)
    sent = 0
    for number in islice(count(1), _MOST_ENDLESS_EVENTS):
        event = chunk(b"data: " + text % (number, number + 1) + b"\n\n")
        sent += len(event)
        if sent > config.flood_bytes:
            return
        yield Piece(number * gap_ns, event, event=True, token=True)


def _gzip_bomb(config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = b" " * (1 << 20)
    parts = [packer.compress(block) for _ in range(config.flood_bytes >> 20)]
    packed = b"".join([*parts, packer.flush()])
    fields = {**headers, "content-encoding": "gzip", "content-length": str(len(packed))}
    yield Piece(0, head(200, fields) + packed)


def _endless_headers(config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    yield Piece(0, head(200, headers).removesuffix(b"\r\n"))
    block = b"x-more: headers\r\n" * (_BLOCK // 17)
    for _ in range(config.flood_bytes // len(block)):
        yield Piece(0, block)


def _trickle(config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    """A byte at a time, so that no single wait is long."""
    yield Piece(0, head(200, {**headers, "transfer-encoding": "chunked"}))
    gap_ns = round(_TRICKLE_S * config.speed.scale * 1e9)
    for number in range(_LONGEST_TRICKLE):
        yield Piece(number * gap_ns, chunk(b" "))


def _two_responses(_config: SimulatorConfig, headers: Mapping[str, str]) -> Iterator[Piece]:
    body = b'{"choices":[{"index":0,"message":{"content":"another\'s"},"finish_reason":"stop"}]}'
    fields = {**headers, "content-type": JSON, "content-length": str(len(body))}
    yield Piece(0, (head(200, fields) + body) * 2)


_BODIES: Mapping[str, Callable[[SimulatorConfig, Mapping[str, str]], Iterator[Piece]]] = {
    "early-close": _early_close,
    "endless-headers": _endless_headers,
    "endless-stream": _endless,
    "garbage": _garbage,
    "gzip-bomb": _gzip_bomb,
    "huge-line": _huge_line,
    "trickle": _trickle,
    "two-responses": _two_responses,
    "wrong-content-type": _wrong_type,
}
