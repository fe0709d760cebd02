"""Content hashes: equal content has an equal name, on every machine and in every run."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: Any) -> str:
    """Equal text for equal JSON-like values, whatever the order of their names.

    Raises:
        TypeError: The value is not JSON-like.
    """
    return _ENCODER.encode(value)


def content_id(*parts: Any) -> str:
    """Hash of JSON-like values, 32 hexadecimal digits (128 bits of BLAKE2b).

    Raises:
        TypeError: A part is not JSON-like.
    """
    text = canonical(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
