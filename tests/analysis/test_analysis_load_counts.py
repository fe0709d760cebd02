"""Which counts of tokens are believed, and what becomes of a benchmark where some are not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from load_runs import MS, PLAN, LoadRun, S, answered, phase, silent, stream

from stepeval.analysis.load import load_of
from stepeval.analysis.load_counts import believed, whole_count
from stepeval.analysis.load_values import Figures
from stepeval.core.chat import Choice, Response, Usage
from stepeval.core.load import ASKED_INPUT, ASKED_OUTPUT
from stepeval.core.record import Record
from stepeval.core.task import Arm, Cell, Sample

PHASE = phase()
STEADY = PHASE.steady_ns
HUGE = 2**52


def figures(*records: Record) -> Figures:
    (cell,) = load_of(LoadRun(records, (PHASE,), PLAN)).cells
    return cell.pooled


def told(at: int, usage: Usage, *, last: int | None = None, **choice: Any) -> Record:
    """``last``: the running count of the last chunk."""
    chunks = stream(at + MS)
    if last is not None:
        chunks = (*chunks[:-1], replace(chunks[-1], output_tokens=last))
    found = answered(at, chunks, usage=usage)
    (attempt,) = found.attempts
    result = attempt.exchange.result
    assert isinstance(result, Response)
    choices = (Choice(0, **{"text": "1 2 3", **choice}),)
    exchange = replace(attempt.exchange, result=replace(result, choices=choices))
    return replace(found, attempts=(replace(attempt, exchange=exchange),))


@pytest.mark.parametrize(
    "usage",
    [
        Usage(100, 10),
        Usage(100, 1_500),  # a template's own, and characters of several tokens
        Usage(100, 40_000, None, None, 39_000),  # thought that was counted and not sent
        Usage(90_000, 10),  # pictures
        Usage(None, None),
    ],
)
def test_a_count_that_could_be_is_believed(usage: Usage) -> None:
    found = told(STEADY, usage)
    assert believed(found) == (found, False)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(100, HUGE),
        Usage(100, 10**400),
        Usage(100, 10_000),
        Usage(100, -1),
        Usage(HUGE, 10),
        Usage(100, 10, None, HUGE),
        Usage(100, HUGE, None, None, HUGE),
        Usage(100, "many"),  # type: ignore[arg-type]  # as a stored run may say
    ],
)
def test_a_count_that_no_text_could_hold_is_not(usage: Usage) -> None:
    found, is_changed = believed(told(STEADY, usage))
    assert is_changed
    result = found.result
    assert isinstance(result, Response)
    left = (result.usage.input_tokens, result.usage.output_tokens, result.usage.cached_tokens)
    assert HUGE not in left
    assert None in left


def test_one_absurd_count_does_not_become_the_mean_of_all() -> None:
    honest = [told(STEADY + n * S, Usage(100, 10)) for n in range(4)]
    wrong = told(STEADY + 5 * S, Usage(100, HUGE), last=HUGE)
    found, alone = figures(*honest, wrong), figures(*honest)
    assert found.disbelieved == 1
    assert alone.disbelieved == 0
    assert found.lengths["output"].mean == alone.lengths["output"].mean == 10.0
    assert found.lengths["output"].n == 4
    assert found.metrics["tpot"].n == 4
    assert found.metrics["ttft"].n == 5  # its times are as good as any
    assert found.tokens_per_s is None  # an answer whose tokens nobody knows
    assert alone.tokens_per_s is not None


def test_those_of_the_warm_up_are_not_counted_among_the_measured() -> None:
    found = figures(told(PHASE.begin_ns, Usage(100, HUGE)), told(STEADY, Usage(100, 10)))
    assert found.disbelieved == 0


def test_a_count_is_a_whole_number_that_every_reader_agrees_on() -> None:
    assert [whole_count(value) for value in (0, 7, 2**53)] == [0, 7, 2**53]
    others: tuple[object, ...] = (None, True, 1.5, "7", [7], {}, -1, 2**53 + 1, 10**400)
    assert all(whole_count(value) is None for value in others)


@pytest.mark.parametrize("wrong", ["abc", [1], True, 10**400, -5, 1.5, None])
@pytest.mark.parametrize("place", ["params", "metadata"])
def test_what_is_no_length_was_not_asked_for(place: str, wrong: object) -> None:
    """It is sent as it is, for the server to judge; no figure can rest on it."""
    params: Mapping[str, Any] = {"max_tokens": wrong} if place == "params" else {}
    asked = 30 if place == "params" else wrong
    sample = Sample("0", "x", metadata={ASKED_INPUT: asked, ASKED_OUTPUT: asked})
    found = silent(STEADY)
    arm = Arm("a", "p", "m", "q", params)
    found = replace(found, cell=Cell(found.cell.id, arm, sample))
    lengths = figures(found).lengths
    assert lengths["output"].asked is None
