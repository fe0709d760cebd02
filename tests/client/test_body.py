"""Compressed bodies, in any pieces, and never more than asked for."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.body import Decoder
from stepeval.client.faults import BadBody
from stepeval.core.chat import FailureKind


def decoded(encoding: str, pieces: list[bytes], cap: int = 10**8) -> bytes:
    decoder = Decoder(encoding, cap)
    out = b"".join(decoder.feed(piece) for piece in pieces)
    decoder.end()
    return out


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["gzip", "deflate", ""]))
def test_any_split_decodes_to_the_same(plain: bytes, size: int, encoding: str) -> None:
    packed = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain), "": plain}[encoding]
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert decoded(encoding, pieces) == plain


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 2**20 + 5, 3 * 2**20 + 77])
def test_nothing_is_left_behind_at_the_edge_of_a_piece(size: int) -> None:
    """Zlib can have taken all input, and hold back output that the piece had no room for."""
    plain = bytes(size)
    assert decoded("gzip", [gzip.compress(plain)]) == plain
    deflate = zlib.compressobj(wbits=-15)
    assert decoded("deflate", [deflate.compress(plain) + deflate.flush()]) == plain


def test_members_of_a_gzip_follow_each_other() -> None:
    assert decoded("GZIP", [gzip.compress(b"a") + gzip.compress(b"b")]) == b"ab"


@pytest.mark.parametrize(
    ("encoding", "kind"), [("identity", FailureKind.TOO_LARGE), ("gzip", FailureKind.BOMB)]
)
def test_the_cap_counts_what_comes_out(encoding: str, kind: FailureKind) -> None:
    plain = bytes(1001)
    packed = plain if encoding == "identity" else gzip.compress(plain)
    with pytest.raises(BadBody) as error:
        decoded(encoding, [packed], cap=1000)
    assert error.value.kind is kind
    assert decoded(encoding, [packed], cap=1001) == plain


def test_a_bomb_in_one_piece_takes_no_more_memory_than_the_cap() -> None:
    bomb = gzip.compress(bytes(200 * 2**20), compresslevel=1)
    tracemalloc.start()
    try:
        with pytest.raises(BadBody, match="above"):
            Decoder("gzip", cap=8 * 2**20).feed(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * 2**20


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(BadBody, match="'br'") as error:
        decoded("br", [b"x"])
    assert error.value.kind is FailureKind.CONTENT_TYPE
