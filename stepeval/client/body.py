"""Content encodings undone, never to more than a cap: a small gzip can hold gigabytes."""

import zlib

from stepeval.client.faults import BadBody
from stepeval.core.chat import FailureKind

LARGEST_BODY = 64 * 1024 * 1024
_GZIP = zlib.MAX_WBITS | 16
_COMPRESSED = ("gzip", "x-gzip", "deflate")
_KNOWN = ("identity", *_COMPRESSED)
_OTHERS = frozenset({"br", "compress", "zstd"})
_PIECE = 1024 * 1024


class Decoder:
    """``encoding`` is the Content-Encoding header. Bytes in, decoded bytes out."""

    def __init__(self, encoding: str, cap: int = LARGEST_BODY) -> None:
        self._encoding = encoding.strip().lower() or "identity"
        self._cap = cap
        self._left = cap
        self._stream = self._fresh()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """What ``data`` decodes to.

        Raises:
            BadBody: Above the cap (TOO_LARGE, or BOMB if it was compressed), not in its encoding
                (BAD_RESPONSE), or in one that was neither asked for nor is known (CONTENT_TYPE).
        """
        if self._encoding not in _KNOWN:
            # Quoted only where it is a real one: a server may have echoed a key in its place.
            name = self._encoding if self._encoding in _OTHERS else "unknown"
            message = f"the body is encoded as {name!r}, which was not asked for"
            raise BadBody(FailureKind.CONTENT_TYPE, message)
        if self._stream is None:
            return self._count(data)
        out = bytearray()
        full = False  # zlib may have taken all input and still hold output back
        while data or full:
            piece = self._inflate(data)
            full = len(piece) == _PIECE
            out += self._count(piece)
            data = self._rest()
        return bytes(out)

    def end(self) -> None:
        """Raises BadBody (DISCONNECTED) where the compressed stream is not at its end."""
        if self._stream is not None and self._begun and not self._stream.eof:
            message = f"the {self._encoding} body ended early"
            raise BadBody(FailureKind.DISCONNECTED, message)

    def _fresh(self) -> "zlib._Decompress | None":
        if self._encoding not in _COMPRESSED:
            return None
        return zlib.decompressobj(zlib.MAX_WBITS if self._encoding == "deflate" else _GZIP)

    def _inflate(self, data: bytes) -> bytes:
        assert self._stream is not None
        try:
            out = self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            if self._begun or self._encoding != "deflate":
                message = f"the body is no {self._encoding}: {error}"
                raise BadBody(FailureKind.BAD_RESPONSE, message) from None
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without zlib's head
            self._begun = True
            return self._inflate(data)
        self._begun = True
        return out

    def _rest(self) -> bytes:
        """Input that is still to be decoded: beyond the piece, or in the next gzip member."""
        assert self._stream is not None
        if not self._stream.eof:
            return self._stream.unconsumed_tail
        rest = self._stream.unused_data
        if rest:
            self._stream = self._fresh()
        return rest

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            kind = FailureKind.TOO_LARGE if self._stream is None else FailureKind.BOMB
            raise BadBody(kind, f"the response is above {self._cap:,} bytes")
        return data
