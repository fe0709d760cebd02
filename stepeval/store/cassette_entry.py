"""One exchange as a line of a cassette, and back."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepeval.core.chat import FailureKind, JsonObject, Piece, Wire
from stepeval.core.identity import canonical
from stepeval.store import checked_json as checked
from stepeval.store.checked_json import BadJson

_ENTRY = frozenset({"url", "body", "epoch", "cell", "attempt"})
_STAMPS = frozenset({"read", "kernel"})
_LONGEST_MESSAGE = 500  # as long as a live failure's may be
_WIRE = frozenset({"sent", "status", "headers", "headers_ns", "pieces", "cut"})

Asked: TypeAlias = tuple[str, str, int]
"""A request: its URL, its canonical body, and the epoch."""


def asked(url: str, body: JsonObject, epoch: int) -> Asked:
    return (url, canonical(body), epoch)


@dataclass(frozen=True, slots=True)
class Entry:
    """``body`` is the request's; ``cell`` and ``attempt`` say whose it was."""

    url: str
    body: JsonObject
    epoch: int
    cell: str
    attempt: int
    wire: Wire

    @property
    def asked(self) -> Asked:
        return asked(self.url, self.body, self.epoch)

    @property
    def place(self) -> tuple[Asked, str, int]:
        """Where it stands: equal runs make equal cassettes, whichever answer came first."""
        return (self.asked, self.cell, self.attempt)


def write_entry(entry: Entry) -> bytes:
    """A line, with its end."""
    wire = entry.wire
    fields = {
        "url": entry.url,
        "body": entry.body,
        "epoch": entry.epoch,
        "cell": entry.cell,
        "attempt": entry.attempt,
        "sent": wire.sent,
        "status": wire.status,
        "headers": dict(sorted(wire.headers.items())),
        "headers_ns": wire.headers_ns,
        "pieces": [_piece(piece) for piece in wire.pieces],
        "cut": None if wire.cut is None else [wire.cut[0].value, wire.cut[1]],
    }
    return to_line(fields)


def to_line(fields: Mapping[str, Any]) -> bytes:
    """JSON with its line's end."""
    text = json.dumps(fields, ensure_ascii=False, separators=(", ", ": "))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which only its escape can say
        return json.dumps(fields, separators=(", ", ": ")).encode() + b"\n"


def _piece(piece: Piece) -> dict[str, Any]:
    times = {
        "arrival_ns": piece.arrival_ns,
        "not_before_ns": piece.not_before_ns,
        "stamp": piece.stamp,
    }
    try:
        return {**times, "text": piece.data.decode()}
    except UnicodeDecodeError:
        return {**times, "base64": base64.b64encode(piece.data).decode()}


def read_entry(line: bytes) -> Entry:
    """Raises BadJson."""
    data = checked.parse_object(line)
    checked.check_names(data, _ENTRY | _WIRE)
    return Entry(
        url=checked.text(data, "url"),
        body=checked.mapping(data, "body"),
        epoch=checked.count(data, "epoch"),
        cell=checked.text(data, "cell"),
        attempt=checked.count(data, "attempt"),
        wire=_wire(data),
    )


def _wire(data: JsonObject) -> Wire:
    headers = checked.mapping(data, "headers")
    if not all(isinstance(value, str) for value in headers.values()):
        raise BadJson("headers must be texts")
    sent = checked.truth(data, "sent")
    cut = _cut(data["cut"])
    if data["status"] is None:
        if cut is None:
            raise BadJson("without a status, cut must say why there is none")
        return Wire(sent, cut=cut)
    return Wire(
        sent=sent,
        status=checked.count(data, "status"),
        headers=headers,
        headers_ns=checked.integer(data, "headers_ns"),
        pieces=tuple(_pieces(data["pieces"])),
        cut=cut,
    )


def _cut(value: Any) -> tuple[FailureKind, str] | None:
    if value is None:
        return None
    match value:
        case [str(kind), str(message)] if kind in set(FailureKind):
            return FailureKind(kind), message[:_LONGEST_MESSAGE]
    raise BadJson("cut must be a failure's kind and its message, or null")


def _pieces(value: Any) -> Iterator[Piece]:
    if not isinstance(value, list):
        raise BadJson("pieces must be a list")
    for piece in value:
        if not isinstance(piece, dict):
            raise BadJson("a piece must be a JSON object")
        told = "text" if "text" in piece else "base64"
        checked.check_names(piece, frozenset({"arrival_ns", "not_before_ns", "stamp", told}))
        times = checked.integer(piece, "arrival_ns"), checked.integer(piece, "not_before_ns")
        stamp = checked.text(piece, "stamp")
        if stamp not in _STAMPS:
            raise BadJson("stamp of a piece must be read or kernel")
        yield Piece(*times, _bytes(piece, told), stamp)


def _bytes(piece: JsonObject, told: str) -> bytes:
    text = checked.text(piece, told)
    try:
        return text.encode() if told == "text" else base64.b64decode(text, validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise BadJson(f"{told} of a piece holds no bytes") from None
