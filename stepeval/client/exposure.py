"""Whether a recorded body still holds a key, for whoever takes the trouble to decode it."""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import orjson

from stepeval.client.body import Decoder
from stepeval.client.faults import BadBody
from stepeval.core.chat import Wire
from stepeval.core.secret import Secret

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')


def exposes(wire: Wire, secrets: Iterable[Secret]) -> bool:
    """Also true of a compressed body that cannot be looked into: there is no telling."""
    try:
        texts = (_body(wire), *wire.headers.values())
    except BadBody:
        return True
    kept = tuple(secrets)
    views = (view for text in texts for view in _views(text))
    return any(secret.scrub(view) != view for view in views for secret in kept)


def _body(wire: Wire) -> str:
    data = b"".join(piece.data for piece in wire.pieces)
    encoding = wire.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        data = Decoder(encoding).feed(data)
    return data.decode(errors="replace")


def _views(text: str) -> Iterator[str]:
    yield text
    if "\\" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    yield from _joined(text)


def _joined(text: str) -> Iterable[str]:
    """What an event stream says in pieces: the texts that stand at one place of its events."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for line in text.splitlines():
        field, _, data = line.partition(":")
        if field != "data":
            continue
        try:
            todo: list[tuple[tuple[Any, ...], Any]] = [((), orjson.loads(data))]
        except ValueError:
            continue
        while todo:
            place, value = todo.pop()
            if isinstance(value, str):
                found.setdefault(place, []).append(value)
            elif isinstance(value, dict):
                todo.extend(((*place, name), inner) for name, inner in value.items())
            elif isinstance(value, list):
                todo.extend(((*place, number), inner) for number, inner in enumerate(value))
    return ("".join(parts) for parts in found.values())
