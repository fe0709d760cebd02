from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.analysis.timing import (
    Latency,
    coalesced_share,
    latency,
    phase_tokens,
    reasoning_tokens,
)
from stepeval.core.chat import Chunk, ChunkKind, Response, Timing, Usage

MS = 1_000_000
ROLE, REASONING, ANSWER, TOOL, MIXED, CONTROL, USAGE = ChunkKind


def chunk(at_ms: int, kind: ChunkKind, tokens: int | None = None, r: int = 0, a: int = 0) -> Chunk:
    return Chunk(at_ms * MS, at_ms * MS - 1, kind, 0, tokens, r, a)


def timing(*chunks: Chunk, done_ms: int = 1000) -> Timing:
    return Timing(90 * MS, 100 * MS, 105 * MS, done_ms * MS, chunks)


STREAM = (
    chunk(150, ROLE, 0),
    chunk(200, REASONING, 2, r=8),
    chunk(300, REASONING, 4, r=8),
    chunk(500, ANSWER, 10, a=20),
    chunk(520, ANSWER, 12, a=6),
    chunk(530, CONTROL, 13),
    chunk(540, USAGE, 13),
)


def test_every_metric_of_a_stream_follows_its_definition() -> None:
    found = latency(timing(*STREAM))
    assert found == Latency(
        ttfe=50.0,  # the role: an event, but no token
        ttft=100.0,
        ttfr=100.0,
        ttfa=400.0,
        thinking=300.0,
        tpot=(530 - 200) / (13 - 2),
        e2e=430.0,  # the finish; neither the usage after it nor the body's end
        stall=200.0,
        reasoning_tpot=(300 - 200) / (4 - 2),
        answer_tpot=(520 - 500) / (12 - 10),  # without the token that only ends the answer
    )


def test_a_role_only_chunk_is_never_the_first_token() -> None:
    """Even where the server counts a token with it."""
    first = chunk(150, ROLE, 1)
    assert latency(timing(first, chunk(200, ANSWER, 2, a=4))).ttft == 100.0
    assert latency(timing(first)).ttft is None


def test_a_chunk_without_text_that_adds_a_token_is_one() -> None:
    assert latency(timing(chunk(150, CONTROL, 1), chunk(200, ANSWER, 2, a=1))).ttft == 50.0
    assert latency(timing(chunk(150, CONTROL, 0), chunk(200, ANSWER, 2, a=1))).ttft == 100.0


def test_a_tool_call_is_an_answer() -> None:
    found = latency(timing(chunk(200, TOOL, 3)))
    assert (found.ttft, found.ttfa) == (100.0, 100.0)


def test_tpot_is_unknown_without_counts_or_with_one_chunk() -> None:
    assert latency(timing(chunk(200, ANSWER, a=1), chunk(300, ANSWER, a=1))).tpot is None
    assert latency(timing(chunk(200, ANSWER, 5, a=1))).tpot is None
    assert latency(timing(chunk(200, ANSWER, 5, a=1), chunk(300, ANSWER, 5, a=1))).tpot is None
    closing = (chunk(200, ANSWER, a=1), chunk(300, ANSWER, a=1), chunk(301, USAGE, 9))
    assert latency(timing(*closing)).tpot is None


def test_a_response_that_was_not_streamed_has_its_end_only() -> None:
    assert latency(timing(done_ms=600)) == Latency(e2e=500.0)


def test_a_lost_answer_has_no_first_answer() -> None:
    found = latency(timing(chunk(200, REASONING, 1, r=1), chunk(300, CONTROL, 1)))
    assert (found.ttfa, found.thinking, found.ttfr) == (None, None, 100.0)


def test_a_request_that_was_never_sent_has_no_latency() -> None:
    assert latency(replace(timing(*STREAM), sent_ns=None)) == Latency()


def test_tokens_belong_to_the_phase_of_their_chunk() -> None:
    found = phase_tokens(STREAM)
    assert found is not None
    assert (found.reasoning, found.answer, found.control, found.split) == (4, 8, 1, False)


def test_a_mixed_chunk_is_split_by_characters_and_flagged() -> None:
    found = phase_tokens([chunk(1, MIXED, 8, r=30, a=10), chunk(2, ANSWER, 10, a=5)])
    assert found is not None
    assert (found.reasoning, found.answer, found.split) == (6, 4, True)


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (chunk(1, ANSWER, a=5), chunk(2, USAGE, 3)),
        (chunk(1, ANSWER, 3, a=5), chunk(2, ANSWER, a=5)),
        (chunk(1, ANSWER, 3, a=5), chunk(2, ANSWER, 1, a=5)),
        (chunk(1, CONTROL, 3),),
    ],
    ids=["none", "only at the end", "a gap", "backwards", "no text"],
)
def test_chunks_are_never_counted_as_tokens(chunks: tuple[Chunk, ...]) -> None:
    assert phase_tokens(chunks) is None


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ChunkKind), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)
        ),
        max_size=12,
    )
)
def test_phases_add_up_to_the_count(steps: list[tuple[ChunkKind, int, int, int]]) -> None:
    total = 0
    chunks = []
    for place, (kind, added, r, a) in enumerate(steps):
        if kind is not USAGE:
            total += added
        chunks.append(chunk(place, kind, total, r, a))
    found = phase_tokens(chunks)
    if found is not None:
        assert found.reasoning + found.answer + found.control == total
        assert min(found.reasoning, found.answer, found.control) >= 0


def test_the_providers_own_count_of_reasoning_is_preferred() -> None:
    streamed = Response(None, None, (), Usage(), timing(*STREAM))
    assert reasoning_tokens(streamed) == (4, "chunks")
    assert reasoning_tokens(replace(streamed, usage=Usage(reasoning_tokens=5))) == (5, "provider")
    assert reasoning_tokens(replace(streamed, timing=timing())) == (None, None)


def test_the_share_of_coalesced_chunks() -> None:
    pair = (chunk(1, ANSWER), replace(chunk(1, ANSWER), coalesced=True))
    assert coalesced_share(pair) == 0.5
    assert coalesced_share(()) is None
