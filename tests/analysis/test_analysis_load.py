"""A benchmark's figures, over requests whose every time is known."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from load_runs import (
    MS,
    PLAN,
    LoadRun,
    S,
    answered,
    failed,
    made_load_run,
    phase,
    right,
    stream,
)

from stepeval.analysis.load import load_label, load_of, summary_json
from stepeval.analysis.load_curve import highest_within, holding
from stepeval.analysis.load_values import Figures, Holding, LoadSummary
from stepeval.core.chat import Chunk, Usage
from stepeval.core.load import Objective, Phase, Shape, Verdict
from stepeval.core.record import Record
from stepeval.core.task import Arm, ScoringRule
from stepeval.stats.estimate import wilson

PHASE = phase()
STEADY, END = PHASE.steady_ns, PHASE.end_ns
WITHIN = replace(PLAN, objectives=(Objective("ttft", 150.0),))


def figures(*records: Record, ran: Sequence[Phase] = (PHASE,), **other: Any) -> Figures:
    run = replace(LoadRun(records, tuple(ran)), **other)
    (cell,) = load_of(run).cells
    return cell.pooled


def spaced(count: int, *, start: int = STEADY, every_ms: float = 50.0) -> list[Record]:
    dues = [start + int(n * every_ms * MS) for n in range(count)]
    return [answered(due, stream(due + MS)) for due in dues]


def test_a_request_is_measured_if_it_was_due_in_the_steady_part() -> None:
    """Its start decides, not its end: else slow requests would be left out."""
    dues = (STEADY - 1, STEADY, END - 1)
    found = figures(*(answered(due, stream(due + MS)) for due in dues))
    assert (found.attempted, found.answered) == (2, 2)
    assert found.window_s == 10.0
    assert found.due_rate == 0.2


def test_requests_of_no_phase_are_counted_and_not_measured() -> None:
    found = load_of(LoadRun((*spaced(1), *spaced(2, start=END)), (PHASE,)))
    assert (found.outside, found.cells[0].pooled.attempted) == (2, 1)


def test_latencies_follow_their_definitions() -> None:
    due = STEADY
    found = figures(answered(due, stream(due + 30 * MS), lag_ms=30.0)).metrics
    values = {name: spread.longest for name, spread in found.items()}
    assert values == {
        "ttfe": 100.0,
        "ttft": 100.0,
        "ttfr": 100.0,
        "ttfa": 120.0,
        "thinking": 20.0,
        "tpot": 5.0,
        "reasoning_tpot": 5.0,
        "answer_tpot": 5.0,
        "e2e": 140.0,
        "response": 170.0,  # from when it was due: the client's own lag hides no slowness
        "stall": 10.0,
    }


def test_response_time_covers_the_attempts_before_the_last() -> None:
    first = failed(STEADY, took_ms=300.0)
    second = answered(STEADY + 399 * MS, stream(STEADY + 400 * MS))
    retried = replace(first, attempts=(*first.attempts, *second.attempts))
    found = figures(retried)
    assert found.metrics["response"].longest == 540.0
    assert found.concurrency == pytest.approx((299 + 140) / 10_000, rel=0.01)  # not in the wait


def test_throughput_counts_tokens_that_arrived_in_the_window() -> None:
    """Of a request from the warm-up, too: the server made them in the window."""
    early = answered(STEADY - 110 * MS, stream(STEADY - 109 * MS, gap_ms=10))
    late = answered(END - 120 * MS, stream(END - 119 * MS, gap_ms=10))
    found = figures(early, late)
    assert found.tokens_per_s == pytest.approx((4 * 2 + 2 * 2) / 10)
    assert found.reasoning_per_s == pytest.approx((1 * 2 + 2 * 2) / 10)
    assert found.answer_per_s == pytest.approx(3 * 2 / 10)


def test_answers_per_second_are_those_that_ended_in_the_window() -> None:
    """What a server that falls behind answers later is not its rate under this load."""
    dues = (STEADY - 500 * MS, STEADY - 10 * MS, STEADY + S, END - 10 * MS)
    found = figures(*(answered(due, stream(due + MS)) for due in dues))
    assert found.attempted == 2
    assert found.done_rate == pytest.approx(2 / 10)
    assert found.sent_rate == pytest.approx(2 / 10)


def test_throughput_is_unknown_where_an_answer_has_no_counts() -> None:
    due = STEADY + S
    found = figures(*spaced(3), answered(due, stream(due, tokens=False)))
    assert found.tokens_per_s is None
    assert found.metrics["tpot"].n == 3


def test_concurrency_is_the_integral_of_requests_in_flight() -> None:
    found = figures(*spaced(200, every_ms=50.0))
    assert found.concurrency == pytest.approx(200 * 0.141 / 10, rel=0.01)
    assert found.peak == 3


def test_a_failed_request_misses_its_objectives_and_has_no_latency() -> None:
    found = figures(*spaced(9), failed(STEADY + S), plan=WITHIN)
    assert found.in_time is not None
    assert (found.in_time.value, found.in_time.n) == (0.9, 10)
    assert found.good_per_s == pytest.approx(0.9)
    assert (found.failed, dict(found.failures), found.metrics["e2e"].n) == (1, {"server": 1}, 9)


@pytest.mark.parametrize(
    ("metric", "limit", "kept"),
    [("ttft", 150, 1), ("ttft", 90, 0), ("ttfr", 150, 0), ("response", 200, 1)],
)
def test_a_metric_that_is_missing_misses_its_objective(
    metric: str, limit: float, kept: int
) -> None:
    plan = replace(PLAN, objectives=(Objective(metric, limit),))
    found = figures(answered(STEADY, stream(STEADY + MS, thoughts=0)), plan=plan)
    assert found.in_time is not None
    assert found.in_time.value == kept


def test_goodput_asks_for_right_answers_where_a_run_is_judged() -> None:
    records = spaced(4)
    scores = tuple(right(one, value) for one, value in zip(records, (1.0, 0.0, 1.0), strict=False))
    rules = (ScoringRule("right", "exact"),)
    found = figures(*records, plan=WITHIN, rules=rules, kept_scores=scores)
    assert found.in_time is not None
    assert found.good is not None
    assert (found.in_time.value, found.good.value) == (1.0, 0.5)  # the fourth was not judged
    unscored = figures(*records, plan=WITHIN, rules=rules)
    assert unscored.good == unscored.in_time
    assert figures(*records).good is None


def test_a_percentile_that_n_cannot_hold_is_not_shown_but_the_longest_is() -> None:
    found = figures(*spaced(60)).metrics["ttft"]
    assert (found.p50.value, found.p90.value) == (100.0, 100.0)
    assert found.p95.value is None
    assert found.p95.reason is not None
    assert "n too small" in found.p95.reason
    assert found.longest == 100.0


def coalesced(chunks: Sequence[Chunk], *places: int, known_ms: float) -> tuple[Chunk, ...]:
    return tuple(
        replace(one, coalesced=True, not_before_ns=one.arrival_ns - int(known_ms * MS))
        if n in places
        else one
        for n, one in enumerate(chunks)
    )


@pytest.mark.parametrize(("known_ms", "sharp"), [(0.5, 1.0), (8.0, 0.5)])
def test_gaps_that_shared_a_read_stand_apart(known_ms: float, sharp: float) -> None:
    chunks = coalesced(stream(STEADY), 2, known_ms=known_ms)
    found = figures(answered(STEADY, chunks)).gaps
    assert (found.n, found.shared, found.shared_n, found.sharp) == (4, 0.5, 2, sharp)
    assert (found.p50, found.longest, found.tokens_per_chunk) == (10.0, 10.0, 2.0)


def test_cold_and_warm_prompts_are_told_apart() -> None:
    found = figures(
        *(
            answered(STEADY + n * S, stream(STEADY + n * S, first_ms=ms), usage=usage, lag_ms=0.0)
            for n, (ms, usage) in enumerate(
                (
                    (300, Usage(100, 10, None, 0)),
                    (100, Usage(100, 10, None, 50)),
                    (200, Usage(100, 10)),
                )
            )
        )
    ).cache
    assert (found.cold.longest, found.warm.longest, found.unknown.longest) == (300, 100, 200)
    assert found.share == 0.25


def test_repeats_are_pooled_and_their_spread_is_shown() -> None:
    """What one run cannot tell: how much the next one would differ."""
    ran = [phase(), phase(1, begin_s=20.0, repeat=1)]
    slow = [answered(ran[1].steady_ns + n * S, stream(ran[1].steady_ns + n * S, first_ms=121))
            for n in range(5)]  # fmt: skip
    (cell,) = load_of(LoadRun((*spaced(5), *slow), tuple(ran))).cells
    assert (cell.pooled.attempted, cell.pooled.window_s, len(cell.runs)) == (10, 20.0, 2)
    between = cell.between["TTFT p50"]
    assert between.values == (100.0, 120.0)
    assert between.mean.value == 110.0
    assert between.spread == pytest.approx(np.std([100, 120], ddof=1))
    assert load_of(LoadRun(tuple(spaced(5)), (PHASE,))).cells[0].between == {}


def test_arms_and_loads_have_figures_of_their_own_and_no_request_is_lost() -> None:
    run = made_load_run(loads=(5.0, 20.0), repeats=2)
    found = load_of(run)
    assert [(cell.load, cell.arm) for cell in found.cells] == [
        (5.0, "low"), (5.0, "high"), (20.0, "low"), (20.0, "high"),
    ]  # fmt: skip
    dues = [int(record.cell.id.partition("-")[2]) for record in run.kept]
    measured = sum(one.steady_ns <= due < one.end_ns for due in dues for one in run.ran)
    assert sum(cell.pooled.attempted for cell in found.cells) == measured
    assert found.missing == 0


def test_the_curve_bends_where_the_server_saturates_and_ends_where_objectives_do() -> None:
    found = load_of(made_load_run(loads=(5.0, 10.0, 20.0, 30.0, 40.0), arms=("low",)))
    (curve,) = found.curves
    assert curve.knee in {20.0, 30.0}
    assert curve.highest in {20.0, 30.0}
    assert load_of(made_load_run(loads=(5.0, 10.0))).curves[0].knee is None


def test_a_server_that_grows_no_slower_has_no_knee() -> None:
    """Medians that differ by noise alone have a farthest point, too."""
    swift = made_load_run(loads=(5.0, 10.0, 20.0, 40.0), arms=("low",), capacity=200.0)
    assert load_of(swift).curves[0].knee is None


def test_a_load_above_one_that_failed_is_not_within_the_objectives() -> None:
    """Bisection and noise may show a high load that passes above one that did not."""

    def held(load: float, verdict: Verdict) -> Holding:
        return Holding(load, verdict, wilson(1, 1), None)

    kept, broken, unclear = Verdict.KEPT, Verdict.BROKEN, Verdict.UNCLEAR
    rising = [held(1, kept), held(2, kept), held(3, broken), held(4, kept)]
    assert highest_within(rising) == (rising[1], rising[2])
    rising = [held(1, unclear), held(2, kept), held(3, unclear), held(4, broken)]
    assert highest_within(rising) == (rising[1], rising[2])  # few requests say nothing against more
    assert highest_within([held(1, broken), held(2, kept)]) == (None, held(1, broken))


@pytest.mark.parametrize(
    ("kept", "n", "verdict"),
    [
        (100, 100, Verdict.KEPT),
        (99, 100, Verdict.UNCLEAR),  # a server of 93% shows that now and then
        (12, 12, Verdict.UNCLEAR),
        (96, 100, Verdict.UNCLEAR),
        (89, 100, Verdict.BROKEN),
    ],
)
def test_a_load_is_kept_or_broken_only_as_far_as_n_can_tell(
    kept: int, n: int, verdict: Verdict
) -> None:
    found = replace(figures(*spaced(1), plan=WITHIN), in_time=wilson(kept, n))
    held = holding(found, Shape.CLOSED)
    assert held is not None
    assert held.verdict is verdict


def test_a_rate_that_is_not_answered_is_not_held_however_fast_the_first_answers_were() -> None:
    """A window can be too short for the queue to reach the objective."""
    found = replace(
        figures(*spaced(1), plan=WITHIN), in_time=wilson(100, 100),
        due_rate=67.8, done_rate=60.0, window_s=1.475, concurrency=10.0,
    )  # fmt: skip
    verdicts = []
    for repeats in (1, 4):
        held = holding(replace(found, window_s=1.475 * repeats, repeats=repeats), Shape.CONSTANT)
        assert held is not None
        assert held.answered == pytest.approx(60 / 67.8)
        verdicts.append(held.verdict)
    assert verdicts == [Verdict.UNCLEAR, Verdict.BROKEN]
    ahead = holding(replace(found, done_rate=67.0), Shape.CONSTANT)
    assert ahead is not None
    assert ahead.verdict is Verdict.KEPT
    assert holding(replace(found, in_time=None), Shape.CONSTANT) is None


def test_a_load_that_was_tried_again_is_held_only_if_it_was_each_time() -> None:
    """What a search found is confirmed by fresh requests, and not by those that chose it."""
    first, second = phase(0, 5.0), phase(1, 5.0, begin_s=14.0)
    good = spaced(200, every_ms=49)
    bad = [failed(one.attempts[0].started_ns + 14 * S) for one in good[:100]]
    run = LoadRun((*good, *bad), (first, second), replace(WITHIN, search=True))
    (curve,) = load_of(run).curves
    assert curve.highest is None
    alone = LoadRun((*good,), (first,), replace(WITHIN, search=True))
    assert load_of(alone).curves[0].highest == 5.0


def test_the_time_line_has_every_request_once() -> None:
    run = made_load_run(loads=(5.0, 40.0))
    line = load_of(run).timeline
    bins = [one for of_arm in line.arms.values() for one in of_arm]
    assert sum(one.requests for one in bins) == len(run.kept)
    assert sum(one.failed for one in bins) > 0
    assert len(line.phases) == 2
    assert line.phases[0] == (0.0, 2.0, 12.0, 5.0)
    assert max(one.start_s + one.width_s for one in bins) == pytest.approx(26.0)
    assert sum((one.per_s or 0) * one.width_s for one in bins) == pytest.approx(len(run.kept))


def test_a_phase_that_did_not_run_is_missing() -> None:
    run = LoadRun(tuple(spaced(2)), (PHASE,))
    assert load_of(run).missing == 1
    assert load_of(replace(run, plan=replace(PLAN, search=True))).missing == 0


def test_a_run_without_a_phase_has_nothing_and_says_so() -> None:
    found: LoadSummary = load_of(LoadRun((), ()))
    assert (found.cells, found.certificates, found.curves, found.missing) == ((), (), (), 2)


def test_an_arm_that_only_failed_has_no_latency() -> None:
    found = figures(*(failed(STEADY + n * S) for n in range(3)), plan=WITHIN)
    assert (found.answered, found.done_rate, found.metrics["ttft"].longest) == (0, 0.0, None)
    assert found.tokens_per_s is None


def test_the_summary_has_a_form_for_scripts() -> None:
    found = load_of(made_load_run(loads=(5.0,), repeats=2))
    data = json.loads(json.dumps(summary_json(found), allow_nan=False))
    assert data["cells"][0]["pooled"]["metrics"]["ttft"]["p50"]["value"] > 0
    assert data["certificates"][0]["limits"] == []


@pytest.mark.parametrize(("shape", "words"), [(Shape.CLOSED, "1,000 in flight"),
                                              (Shape.RAMP, "1,000 requests/s"),
                                              (Shape.REPLAY, "1,000x as fast")])  # fmt: skip
def test_a_load_has_its_unit(shape: Shape, words: str) -> None:
    assert load_label(1000.0, shape) == words


def test_arms_in_phases_of_their_own_have_windows_of_their_own() -> None:
    """An arm that did not run in a phase was not idle there."""
    arms = (Arm("a", "p", "m", "q"), Arm("b", "p", "m", "q"))
    ran = (phase(), phase(1, begin_s=20.0))
    due = ran[1].steady_ns
    records = (*spaced(1), answered(due, stream(due), arm=arms[1]))
    found = load_of(LoadRun(records, ran, arms=arms))
    assert [cell.pooled.window_s for cell in found.cells] == [10.0, 10.0]


def test_a_window_that_spans_no_time_has_no_rates() -> None:
    at_once = replace(PHASE, end_ns=PHASE.steady_ns + 1)
    (cell,) = load_of(LoadRun(tuple(spaced(1)) * 40, (at_once,))).cells
    found = cell.pooled
    rates = (found.due_rate, found.sent_rate, found.done_rate, found.tokens_per_s)
    assert found.attempted == 40
    assert rates == (None, None, None, None)
    assert found.metrics["ttft"].p50.value is not None


def test_what_is_read_of_a_group_does_not_grow_with_the_square_of_the_loads() -> None:
    """Each group is looked at by its own load only: a stored run may have 10,000 of them."""

    def looked(loads: int) -> int:
        reads = 0

        class Watched(Phase):
            def __getattribute__(self, name: str) -> Any:
                nonlocal reads
                reads += name == "load"
                return super().__getattribute__(name)

        made = [phase(n, 1.0 + n, begin_s=14.0 * n) for n in range(loads)]
        watched = tuple(Watched(*(getattr(one, f.name) for f in fields(one))) for one in made)
        load_of(LoadRun((), watched))
        return reads

    assert looked(80) <= 2 * looked(40) + 10
