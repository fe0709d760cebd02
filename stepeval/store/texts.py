"""Texts as SQLite keeps them: long ones compressed, and those without UTF-8 not refused.

A TEXT is the text. A BLOB that begins with ``x`` is zlib of its UTF-8; any other BLOB, which only
files of version 1 have, is its UTF-8. Either may hold lone surrogates, which UTF-8 proper does not.
"""

import zlib

LONG = 1_000  # characters; a 2 KB answer shrinks by half for 30 us, a short one is left alone
_LARGEST = 1 << 30
_ZLIB = b"x"


def pack(text: str | None) -> str | bytes | None:
    if text is None:
        return None
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)
    if len(text) < LONG:
        return text
    packed = zlib.compress(data, 1)
    return packed if len(packed) < len(data) else text


def unpack(value: str | bytes | None) -> str | None:
    """Raises zlib.error, UnicodeDecodeError or TypeError for what :func:`pack` never made."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise TypeError(f"{value!r} is no text")
    data = inflated(value, _LARGEST) if value[:1] == _ZLIB else value
    return data.decode("utf-8", "surrogatepass")


def inflated(data: bytes, most: int) -> bytes:
    """Raises zlib.error for more than ``most`` bytes: the file may be a stranger's."""
    inflater = zlib.decompressobj()
    content = inflater.decompress(data, most)
    if inflater.unconsumed_tail or not inflater.eof:
        raise zlib.error(f"more than {most} bytes, or a part of them missing")
    return content
