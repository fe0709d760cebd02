"""An API key, kept out of everything that is printed, logged or stored."""

import base64
from urllib.parse import quote

_MASK = "[secret]"


class Secret:
    """Shows itself nowhere; :meth:`reveal` is called only where the header is written."""

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        encoded = base64.b64encode(value.encode()).decode()
        forms = {value, encoded, encoded.rstrip("="), quote(value, safe="")}
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def reveal(self) -> str:
        return self._value

    def scrub(self, text: str) -> str:
        """``text`` without the key, neither plain nor as base64 nor URL-encoded."""
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
