"""Tokens that this client counted: where they enter a benchmark's figures, and under which name."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from load_runs import MS, PLAN, LoadRun, S, answered, counted, phase, silent, stream

from stepeval.analysis.load import load_of, summary_json
from stepeval.analysis.load_tokens import counted_by, paces, shared_out
from stepeval.analysis.load_values import Counted, Figures
from stepeval.core.chat import Chunk, ChunkKind, Usage
from stepeval.core.load import ASKED_INPUT, ASKED_OUTPUT, Objective
from stepeval.core.record import Record, TokenCount
from stepeval.core.task import Arm, Cell, Sample

PHASE = phase()
STEADY, END = PHASE.steady_ns, PHASE.end_ns
LABEL = "tokenizer.json sha256:5f0c"
KNOWN = replace(PLAN, vocabulary=LABEL)


def figures(*records: Record, counts: Sequence[TokenCount] = (), **other: Any) -> Figures:
    run = replace(LoadRun(records, (PHASE,), KNOWN), kept_counts=tuple(counts), **other)
    (cell,) = load_of(run).cells
    return cell.pooled


def _chunk(at_ms: int, reasoning: int, answer: int) -> Chunk:
    kind = ChunkKind.CONTROL
    if reasoning or answer:
        kind = ChunkKind.REASONING if not answer else ChunkKind.ANSWER
        kind = ChunkKind.MIXED if reasoning and answer else kind
    return Chunk(at_ms * MS, at_ms * MS, kind, 0, None, reasoning, answer)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30),
    st.integers(0, 500),
    st.integers(0, 500),
)
def test_shares_add_up_to_the_count_and_follow_the_characters(
    chars: list[tuple[int, int]], reasoning: int, answer: int
) -> None:
    chunks = [_chunk(10 * n, *pair) for n, pair in enumerate(chars)]
    thought, said = sum(r for r, _ in chars), sum(a for _, a in chars)
    shares = shared_out(chunks, TokenCount("c", 1, reasoning + answer, reasoning))
    if (reasoning and not thought) or (answer and not said):
        assert shares is None  # tokens that came in no chunk have no time
        return
    assert shares is not None
    assert math.isclose(sum(s.reasoning for s in shares), reasoning, abs_tol=1e-6)
    assert math.isclose(sum(s.answer for s in shares), answer, abs_tol=1e-6)
    assert all(s.chunk.kind is not ChunkKind.CONTROL for s in shares)
    for share in shares:
        assert math.isclose(share.reasoning * thought, share.chunk.reasoning_chars * reasoning,
                            abs_tol=1e-6)  # fmt: skip


@given(st.integers(2, 40), st.integers(1, 50), st.integers(1, 30))
def test_an_even_stream_has_the_pace_it_would_have_with_the_servers_count(
    words: int, gap_ms: int, each: int
) -> None:
    """``U`` by characters is the server's own ``U`` where every chunk has as many of both."""
    chunks = [_chunk(gap_ms * n, 0, 5) for n in range(words)]
    shares = shared_out(chunks, TokenCount("c", 1, words * each, 0))
    assert shares is not None
    found = paces(shares)["tpot"]
    assert found is not None
    assert math.isclose(found, gap_ms / each, rel_tol=1e-9)


def test_the_time_per_token_is_taken_over_what_came_after_the_first_chunk() -> None:
    """8 tokens in 2 chunks of reasoning, then 12 in 3 of the answer, 10 ms apart."""
    one = silent(STEADY)
    found = figures(one, counts=[counted(one)])
    values = {n: found.metrics[n].longest for n in ("tpot", "reasoning_tpot", "answer_tpot")}
    assert values == {
        "tpot": pytest.approx(40 / 16),
        "reasoning_tpot": pytest.approx(10 / 4),
        "answer_tpot": pytest.approx(20 / 8),
    }
    assert found.gaps.tokens_per_chunk == pytest.approx(4.0)
    assert found.metrics["ttft"].longest == 100.0  # the count is no part of it


def test_throughput_has_the_share_that_arrived_in_the_window() -> None:
    """Of an answer from the warm-up two chunks of reasoning, and one of the answer, came before."""
    early = silent(STEADY - 130 * MS)
    found = figures(early, silent(STEADY + S), counts=[counted(early), counted(silent(STEADY + S))])
    assert found.tokens_per_s == pytest.approx((2 * 4 + 20) / 10)
    assert found.reasoning_per_s == pytest.approx(8 / 10)
    assert found.answer_per_s == pytest.approx((8 + 12) / 10)
    assert found.counted == Counted(provider=0, here=2, nobody=0)


def test_figures_say_who_counted() -> None:
    one, told = silent(STEADY), answered(STEADY + S, stream(STEADY + S))
    assert figures(told).tokens_counted_by == "provider"
    assert figures(one, counts=[counted(one)]).tokens_counted_by == LABEL
    both = figures(one, told, counts=[counted(one)])
    assert both.tokens_counted_by == f"provider and {LABEL}"
    assert both.counted == Counted(1, 1, 0)
    assert (both.metrics["tpot"].n, both.lengths["output"].n, both.lengths["output"].here) == (
        2, 2, 1,
    )  # fmt: skip
    assert both.lengths["output"].counted_by == f"provider and {LABEL}"


def test_an_answer_that_nobody_counted_leaves_the_throughput_unknown() -> None:
    one, other = silent(STEADY), silent(STEADY + S)
    found = figures(one, other, counts=[counted(one)])
    assert found.tokens_per_s is None
    assert found.counted == Counted(0, 1, 1)
    assert found.metrics["tpot"].n == 1


def test_without_a_vocabulary_what_is_unknown_stays_unknown() -> None:
    one = silent(STEADY)
    for found in (figures(one), figures(one, counts=[counted(one)], plan=PLAN)):
        assert (found.tokens_per_s, found.tokens_counted_by) == (None, None)
        assert found.metrics["tpot"].n == 0
        assert found.gaps.tokens_per_chunk is None
        assert found.lengths["output"].mean is None
        assert found.lengths["output"].counted_by is None


def test_the_servers_own_count_is_never_replaced() -> None:
    told = answered(STEADY, stream(STEADY + MS), usage=Usage(100, 10, None, 50))
    plain = figures(told)
    assert (plain.lengths["input"].mean, plain.lengths["output"].mean) == (100.0, 10.0)
    assert plain.lengths["reasoning"].mean == 4.0
    cached = answered(
        STEADY + S, stream(STEADY + S, tokens=False), usage=Usage(None, None, None, 9)
    )
    mixed = figures(told, cached, counts=[counted(cached, given=10)])
    assert mixed.cache.share == 0.5  # a share of what the server counted
    assert mixed.lengths["input"].mean == 55.0
    half = replace(cached, attempts=answered(STEADY, (), usage=Usage(100)).attempts)
    found = figures(half, counts=[counted(half, given=10)]).lengths
    assert (found["input"].mean, found["input"].counted_by) == (100.0, "provider")
    assert (found["output"].mean, found["output"].counted_by) == (20.0, LABEL)


def test_an_answer_that_was_not_streamed_has_a_length_and_no_time_per_token() -> None:
    whole = answered(STEADY, (), usage=Usage())
    found = figures(whole, counts=[counted(whole)])
    assert (found.lengths["output"].mean, found.lengths["output"].counted_by) == (20.0, LABEL)
    assert (found.tokens_per_s, found.metrics["tpot"].n) == (None, 0)
    assert found.tokens_counted_by is None


def _asked(found: Record, arm: Arm) -> Record:
    sample = Sample("0", "x", metadata={ASKED_INPUT: 48, ASKED_OUTPUT: 30})
    return replace(found, cell=Cell(found.cell.id, arm, sample))


@pytest.mark.parametrize(("params", "output"), [({}, 30.0), ({"max_tokens": 16}, 16.0)])
def test_asked_lengths_stand_beside_those_that_came(params: dict[str, int], output: float) -> None:
    """An arm's own bound takes the place of the one that was drawn."""
    one = _asked(silent(STEADY), Arm("a", "p", "m", "q", params))
    found = figures(one, counts=[counted(one)]).lengths
    assert (found["input"].mean, found["input"].asked) == (50.0, 48.0)
    assert (found["output"].mean, found["output"].asked) == (20.0, output)
    assert figures(silent(STEADY)).lengths["output"].asked is None


def test_an_objective_on_the_time_per_token_can_be_kept_by_counts_made_here() -> None:
    plan = replace(KNOWN, objectives=(Objective("tpot", 3.0),))
    one = silent(STEADY)
    kept = figures(one, plan=plan, counts=[counted(one)]).in_time
    missed = figures(one, plan=plan).in_time
    assert kept is not None
    assert missed is not None
    assert (kept.value, missed.value) == (1.0, 0.0)


def test_scripts_are_told_who_counted() -> None:
    one = silent(STEADY)
    run = LoadRun((one,), (PHASE,), KNOWN, kept_counts=(counted(one),))
    data = json.loads(json.dumps(summary_json(load_of(run)), allow_nan=False))
    pooled = data["cells"][0]["pooled"]
    assert pooled["tokens_counted_by"] == LABEL
    assert pooled["counted"] == {"provider": 0, "here": 1, "nobody": 0}
    assert pooled["lengths"]["output"]["counted_by"] == LABEL


def test_who_counted_in_words() -> None:
    assert counted_by(0, 0, LABEL) is None
    assert counted_by(3, 0, LABEL) == "provider"
    assert counted_by(0, 3, LABEL) == LABEL
