import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.store.texts import inflated, pack, unpack

TEXTS = st.text(st.characters(codec=None)) | st.text(max_size=5).map(lambda text: text * 1_000)


@given(TEXTS | st.none())
def test_every_text_comes_back(text: str | None) -> None:
    """Lone surrogates included, and texts that begin like a compressed one."""
    assert unpack(pack(text)) == text
    if text is not None:
        assert unpack(pack("x" + text + "\ud800")) == "x" + text + "\ud800"


def test_a_short_text_is_stored_as_it_is() -> None:
    assert pack('{"id":"1"}') == '{"id":"1"}'


def test_a_long_text_takes_less_room_and_never_more() -> None:
    packed = pack("The order of the words matters. " * 60)
    assert isinstance(packed, bytes)
    assert len(packed) < 200
    noise = random.Random(1).randbytes(3_000).decode("latin-1")
    assert len(pack(noise) or "") <= len(noise.encode())


def test_what_version_1_kept_as_bytes_is_read() -> None:
    assert unpack("cut \ud83d".encode("utf-8", "surrogatepass")) == "cut \ud83d"


def test_a_bomb_in_a_strangers_file_does_not_go_off() -> None:
    with pytest.raises(zlib.error):
        inflated(zlib.compress(bytes(10_000)), 1_000)
    with pytest.raises(zlib.error):
        unpack(zlib.compress(b"what was cut short")[:-3])
