from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import Chunk, ChunkKind
from stepeval.store.chunks import pack, unpack

CHUNKS = st.builds(
    Chunk,
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.sampled_from(ChunkKind),
    st.integers(0, 5),
    st.none() | st.integers(-5, 10**6) | st.just(10**30),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.booleans(),
    st.sampled_from(["read", "kernel"]),
)
TIMELINES = st.lists(st.lists(CHUNKS, max_size=8).map(tuple), max_size=3)


@settings(deadline=None, max_examples=150)
@given(TIMELINES, st.booleans())
def test_every_timeline_survives(timelines: list[tuple[Chunk, ...]], repeat: bool) -> None:
    lines = [*timelines, *timelines[-1:]] if repeat else timelines
    assert unpack(pack(lines), len(lines)) == tuple(lines)


def test_no_chunks_take_no_room() -> None:
    assert pack([(), ()]) is None


def _stream(length: int) -> tuple[Chunk, ...]:
    start = 10**15
    return tuple(
        Chunk(start + n * 20_000_000 + n * 7919 % 9973, start + n * 20_000_000, ChunkKind.ANSWER,
              output_tokens=n, answer_chars=4)
        for n in range(length)
    )  # fmt: skip


def test_a_stream_takes_few_bytes_and_the_same_one_twice_no_more() -> None:
    """A failure and its partial answer share their timeline."""
    stream = _stream(500)
    once, twice = pack([stream]), pack([stream, stream])
    assert once is not None
    assert twice is not None
    assert len(once) < 500 * 12
    assert len(twice) < len(once) + 20
