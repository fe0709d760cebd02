"""An API key, kept out of everything that is printed, logged or stored."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

_MASK = "[secret]"
_LONG = 16  # bytes; a shorter key's fragments would be found in what has nothing to do with it


class Secret:
    """Shows itself nowhere; :meth:`reveal` is called only where the header is written."""

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._forms = tuple(sorted(set(_forms(value)), key=len, reverse=True))

    def reveal(self) -> str:
        return self._value

    def scrub(self, text: str) -> str:
        """``text`` without the key, plain, or as JSON, base64, hexadecimal or a URL has it."""
        for form in self._forms:
            if form and form in text:
                text = text.replace(form, _MASK)
        return text

    def blot(self, data: bytes) -> bytes:
        """The same for bytes, of which each keeps its place: marks stand for the key's."""
        for form in self._forms:
            hidden = form.encode()
            if hidden and hidden in data:
                data = data.replace(hidden, b"*" * len(hidden))
        return data

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        raise TypeError("a secret is never serialised")


def _forms(value: str) -> Iterator[str]:
    raw, quoted = value.encode(), quote(value, safe="")
    yield from (value, json.dumps(value)[1:-1], quoted, _lower_escapes(quoted))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(raw).decode()
        yield from (encoded, encoded.rstrip("="))
        if len(raw) >= _LONG:
            yield from (
                _within(encode(bytes(before) + raw).decode(), before, raw) for before in range(3)
            )
    if len(raw) >= _LONG:
        yield from (raw.hex(), raw.hex().upper())


def _within(encoded: str, before: int, raw: bytes) -> str:
    """The digits of base64 that are the key's alone, wherever in a longer text it stands."""
    return encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def _lower_escapes(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])
