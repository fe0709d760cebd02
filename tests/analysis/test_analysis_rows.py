"""Rows, frames, exports and the arms' summaries, over a small run held in memory."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pandas as pd
import pytest

from stepeval.analysis.columns import ChunkRow, SampleRow, ScoreTableRow, documentation
from stepeval.analysis.export import write_csv, write_jsonl
from stepeval.analysis.frames import frames
from stepeval.analysis.leaderboard import leaderboard
from stepeval.analysis.rows import chunk_rows, sample_rows, score_rows
from stepeval.core.baseline import Baseline
from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    JsonObject,
    Response,
    Timing,
    Usage,
)
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import (
    Attempt,
    Mode,
    Outcome,
    Record,
    RunInfo,
    Score,
    ScoreRow,
    TokenCount,
)
from stepeval.core.task import Arm, Cell, Price, Provider, Sample, ScoringRule, Suite

MS = 1_000_000
INFO = RunInfo("run", "s", "h", Mode.LIVE, 1.0, "h", {}, "c")
ARMS = (Arm("low", "p", "m", "q", {"b": 1, "a": 2}), Arm("high", "p", "m", "q"))
SAMPLES = tuple(Sample(str(n), f"question {n}") for n in range(100))
SUITE = Suite(
    "s",
    (Provider("p", "https://h/v1"),),
    (),
    SAMPLES,
    ARMS,
    scoring=(ScoringRule("right", "exact"),),
    prices={"m": Price("USD", 1.0, 0.5, 2.0)},
)


@dataclass(frozen=True)
class Held:
    """A RecordReader over values in memory."""

    kept: tuple[Record, ...] = ()
    kept_scores: tuple[ScoreRow, ...] = ()
    told: Suite = SUITE

    def info(self) -> RunInfo:
        return INFO

    def suite(self) -> Suite:
        return self.told

    def records(self) -> Iterator[Record]:
        return iter(self.kept)

    def scores(self) -> Iterator[ScoreRow]:
        return iter(self.kept_scores)

    def baseline(self) -> Baseline | None:
        return None

    def looks(self) -> tuple[JsonObject, ...]:
        return ()

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        for each in self.kept:
            yield each, tuple(row for row in self.kept_scores if row.cell_id == each.cell.id)

    def limit_changes(self) -> tuple[LimitChange, ...]:
        return ()

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def token_counts(self) -> Iterator[TokenCount]:
        return iter(())


def answer(ms: int = 500, text: str = "4", *, tokens: int = 100, sent_ms: int = 100) -> Response:
    chunks = (
        Chunk((sent_ms + 50) * MS, sent_ms * MS, ChunkKind.REASONING, 0, 40, 80, 0),
        Chunk((sent_ms + ms) * MS, sent_ms * MS, ChunkKind.ANSWER, 0, tokens, 0, 4, True),
    )
    timing = Timing((sent_ms - 5) * MS, sent_ms * MS, sent_ms * MS, (sent_ms + ms + 1) * MS, chunks)
    usage = Usage(1000, tokens, 1000 + tokens, 400)
    return Response("i", "m", (Choice(0, text, "hmm", (), "stop"),), usage, timing, "trace")


def attempt(result: Response | Failure, number: int = 1, start_ms: int = 99) -> Attempt:
    return Attempt(
        number, 1.0, start_ms * MS, (start_ms + 1) * MS, Exchange("u", "{}", result)
    )  # fmt: skip


def record(sample: Sample, *attempts: Attempt, arm: Arm = ARMS[0], epoch: int = 0) -> Record:
    return Record(Cell(f"{arm.name}-{sample.id}-{epoch}", arm, sample, epoch), attempts)


def right(found: Record, value: float | None, choice: int = 0) -> ScoreRow:
    return ScoreRow(found.cell.id, choice, "right", Score("exact", value, "4", None, {"k": 1}))


FAILED = Failure(FailureKind.SERVER, "boom", 500, trace_id="t")
ONE = record(SAMPLES[0], attempt(answer()))
LOST = record(SAMPLES[1], attempt(FAILED))


def test_a_row_has_what_happened_to_its_request() -> None:
    (row,) = sample_rows(Held((ONE,), (right(ONE, 1.0),)))
    assert (row.run_id, row.mode, row.arm, row.sample_key) == (
        "run", Mode.LIVE, "low", SAMPLES[0].key,
    )  # fmt: skip
    assert row.params == '{"a": 2, "b": 1}'
    assert (row.outcome, row.score, row.correct) == (Outcome.CORRECT, 1.0, True)
    assert (row.text, row.reasoning, row.answer_chars, row.reasoning_chars) == ("4", "hmm", 1, 3)
    assert (row.ttft_ms, row.ttfa_ms, row.e2e_ms, row.thinking_ms) == (50.0, 500.0, 500.0, 450.0)
    assert (row.schedule_lag_ms, row.user_ms, row.attempts) == (5.0, 500.0, 1)
    assert (row.reasoning_tokens, row.answer_tokens, row.reasoning_source) == (40, 60, "chunks")
    assert (row.chunk_count, row.coalesced_share, row.trace_id) == (2, 0.5, "trace")
    assert row.cost == pytest.approx((600 * 1.0 + 400 * 0.5 + 100 * 2.0) / 1e6)
    assert row.currency == "USD"


@pytest.mark.parametrize(
    ("metadata", "cluster"),
    [({}, None), ({"cluster": None}, None), ({"cluster": "page 3"}, "page 3"),
     ({"cluster": 3}, "3"), ({"cluster": {"b": 1, "a": [2]}}, '{"a": [2], "b": 1}')],
)  # fmt: skip
def test_a_row_has_the_cluster_that_its_sample_names(
    metadata: dict[str, object], cluster: str | None
) -> None:
    sample = Sample("1", "question", metadata=metadata)
    (row,) = sample_rows(Held((record(sample, attempt(answer())),)))
    assert row.cluster == cluster


def test_a_failed_request_has_one_row_without_numbers() -> None:
    (row,) = sample_rows(Held((LOST,)))
    assert (row.outcome, row.correct, row.choice) == (Outcome.FAILED, None, 0)
    assert (row.failure, row.failure_message, row.status) == ("server", "boom", 500)
    empty = ("text", "e2e_ms", "ttft_ms", "user_ms", "cost", "output_tokens", "reasoning_tokens")
    assert [getattr(row, name) for name in empty] == [None] * len(empty)


def test_what_was_drawn_again_is_counted_by_the_failure_that_made_it_so() -> None:
    """A refusal for rate has nothing to do with the answer, so it is no second draw of one."""
    limited = Failure(FailureKind.RATE_LIMIT, "slow", 429)
    records = (
        record(SAMPLES[0], attempt(FAILED), attempt(limited, 2), attempt(answer(), 3)),
        record(SAMPLES[1], attempt(limited), attempt(answer(), 2)),
        record(SAMPLES[2], attempt(FAILED), attempt(FAILED, 2)),
        record(SAMPLES[3], attempt(answer())),
    )
    rows = list(sample_rows(Held(records)))
    assert [row.retried for row in rows] == ["server,rate_limit", "rate_limit", "server", None]
    low = leaderboard(rows)[0]
    assert low.retried == {"server": 2, "rate_limit": 2}
    assert (low.retry_share, low.reroll_share) == (0.75, 0.5)


def test_scores_join_their_records_where_some_have_none() -> None:
    records = tuple(record(sample, attempt(answer())) for sample in SAMPLES[:4])
    scores = (right(records[1], 1.0), right(records[3], 0.0))
    outcomes = [row.outcome for row in sample_rows(Held(records, scores))]
    assert outcomes == ["unscored", "correct", "unscored", "incorrect"]


def test_each_choice_has_a_row_and_its_own_score() -> None:
    two = replace(answer(), choices=(Choice(0, "4"), Choice(1, "5")))
    both = record(SAMPLES[0], attempt(two))
    rows = list(sample_rows(Held((both,), (right(both, 1.0), right(both, 0.0, 1)))))
    assert [(row.choice, row.text, row.correct) for row in rows] == [
        (0, "4", True),
        (1, "5", False),
    ]
    assert rows[0].cost == rows[1].cost
    (arm, _) = leaderboard(rows, ["low", "high"])
    assert (arm.n, arm.cells, arm.cost_cells) == (2, 1, 1)
    assert arm.cost_total == rows[0].cost, "the request was paid for once"


def test_user_time_has_the_retries_and_service_time_has_not() -> None:
    broken = replace(FAILED, timing=Timing(95 * MS, 100 * MS, None, None))
    found = record(
        SAMPLES[0], attempt(broken, 1), attempt(answer(sent_ms=2000), 2, start_ms=1999)
    )  # fmt: skip
    (row,) = sample_rows(Held((found,)))
    assert (row.e2e_ms, row.user_ms, row.attempts, row.schedule_lag_ms) == (500.0, 2400.0, 2, 5.0)


def test_clocks_of_two_processes_are_never_subtracted() -> None:
    """A resumed run counts its attempts from 1 again, on another clock."""
    before = attempt(FAILED, 1, start_ms=10**9)
    found = record(SAMPLES[0], before, attempt(answer(), 1))
    (row,) = sample_rows(Held((found,)))
    assert (row.user_ms, row.attempts) == (500.0, 2)


def test_an_answer_that_broke_off_was_paid_for() -> None:
    broken = replace(FAILED, partial=answer(tokens=50))
    both = record(SAMPLES[0], attempt(broken), attempt(answer(sent_ms=900), 2, start_ms=899))
    alone = record(SAMPLES[1], attempt(broken))
    first, second = sample_rows(Held((both, alone)))
    assert second.cost == pytest.approx(900e-6)
    assert first.cost == pytest.approx(1900e-6)
    unknown = replace(answer(), usage=Usage())
    (row,) = sample_rows(Held((record(SAMPLES[0], attempt(broken), attempt(unknown, 2, 900)),)))
    assert row.cost is None, "a part of the sum would look like all of it"


def test_a_providers_reasoning_tokens_leave_the_rest_to_the_answer() -> None:
    counted = replace(answer(), usage=Usage(1, 100, 101, 0, reasoning_tokens=70))
    (row,) = sample_rows(Held((record(SAMPLES[0], attempt(counted)),)))
    assert (row.reasoning_tokens, row.answer_tokens, row.reasoning_source) == (70, 30, "provider")


def test_chunks_are_told_from_the_send() -> None:
    partial = record(SAMPLES[2], attempt(replace(FAILED, partial=answer())))
    rows = list(chunk_rows(Held((ONE, LOST, partial))))
    assert [row.cell_id for row in rows] == [ONE.cell.id] * 2 + [partial.cell.id] * 2
    assert [(row.arrival_ms, row.gap_ms, row.kind) for row in rows[:2]] == [
        (50.0, None, "reasoning"), (500.0, 450.0, "answer"),
    ]  # fmt: skip


@pytest.mark.parametrize("reader", [Held(), Held((ONE, LOST), (right(ONE, 1.0),))])
def test_frames_have_the_same_columns_and_types_even_when_empty(reader: Held) -> None:
    found = frames(reader)
    for frame, row_type in (
        (found.samples, SampleRow), (found.scores, ScoreTableRow), (found.chunks, ChunkRow),
    ):  # fmt: skip
        assert list(frame.columns) == [column.name for column in fields(row_type)]
        assert frame.attrs == {"run_id": "run", "mode": "LIVE"}
    types = found.samples.dtypes
    assert isinstance(types["outcome"], pd.StringDtype)
    assert (types["epoch"], types["ttft_ms"], types["correct"]) == ("Int64", "Float64", "boolean")


def test_a_frame_has_missing_values_and_no_zeros_for_them() -> None:
    samples = frames(Held((ONE, LOST))).samples
    assert samples["output_tokens"].tolist() == [100, pd.NA]
    assert samples["cost"].isna().tolist() == [False, True]


def test_csv_gives_a_spreadsheet_no_formula() -> None:
    """Of every column, headings included; numbers stay numbers."""
    texts = ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "  =1", "\n=1", "plain", "a=b", "", "\ud83d"]
    base = next(sample_rows(Held((ONE,))))
    rows = [replace(base, text=text, cost=-1.5) for text in texts]
    file = io.StringIO(newline="")
    assert write_csv(rows, file) == len(texts)
    file.seek(0)
    read = list(csv.DictReader(file))
    expected = ["'" + text for text in texts[:8]] + ["plain", "a=b", "", "\\ud83d"]
    assert [row["text"] for row in read] == expected
    assert {(row["cost"], row["mode"], row["ttfr_ms"]) for row in read} == {
        ("-1.5", "LIVE", "50.0")
    }
    raw = io.StringIO(newline="")
    write_csv(rows[:8], raw, raw=True)
    raw.seek(0)
    assert [row["text"] for row in csv.DictReader(raw)] == texts[:8]


def test_an_empty_csv_has_its_columns() -> None:
    file = io.StringIO(newline="")
    assert write_csv(score_rows(Held()), file, row_type=ScoreTableRow) == 0
    assert file.getvalue().startswith("run_id,mode,cell_id,choice,rule")


def test_json_lines_have_every_column_and_the_mode() -> None:
    file = io.StringIO()
    reader = Held((ONE, LOST), (right(ONE, 1.0),))
    assert write_jsonl(sample_rows(reader), file) == 2
    first, second = map(json.loads, file.getvalue().splitlines())
    assert list(first) == [column.name for column in fields(SampleRow)]
    assert (first["mode"], first["outcome"], second["cost"]) == ("LIVE", "correct", None)
    scores = io.StringIO()
    write_jsonl(score_rows(reader), scores)
    assert json.loads(scores.getvalue())["metadata"] == '{"k": 1}'


def board(count: int) -> Held:
    """``count`` items, every second one right, the latency rising; one arm."""
    records = tuple(record(s, attempt(answer(ms=100 + n))) for n, s in enumerate(SAMPLES[:count]))
    scores = tuple(right(r, float(n % 2)) for n, r in enumerate(records))
    return Held(records, scores)


def test_the_leaderboard_sums_up_an_arm() -> None:
    low, high = leaderboard(sample_rows(board(100)), ["low", "high"])
    assert (low.arm, high.arm, high.n, high.accuracy.value) == ("low", "high", 0, None)
    assert (low.n, low.cells, low.mode) == (100, 100, Mode.LIVE)
    assert low.outcomes == {Outcome.CORRECT: 50, Outcome.INCORRECT: 50}
    assert (low.score.method, low.score.value, low.accuracy) == ("wilson", 0.5, low.score)
    assert low.e2e_ms.p50.value == pytest.approx(149.5)
    assert low.e2e_ms.p95.value == pytest.approx(194.05)
    assert (low.output_tokens.value, low.reasoning_tokens.value) == (100.0, 40.0)
    assert low.cost_total == pytest.approx(0.1)
    assert low.cost_cells == 100
    assert low.cost_per_correct.value == pytest.approx(0.002)
    assert low.cost_per_correct.method == "fieller"
    assert (low.retry_share, low.cached_share, low.failures) == (0.0, 0.4, {})


def test_few_items_have_no_percentile_but_a_reason() -> None:
    (low,) = leaderboard(sample_rows(board(10)))
    assert low.e2e_ms.p50.value is not None
    assert low.e2e_ms.p95.value is None
    assert low.e2e_ms.p95.reason == "n too small: p95 needs 90 values, there are 10"


def test_one_sample_has_numbers_and_no_intervals_that_it_cannot_have() -> None:
    (low,) = leaderboard(sample_rows(Held((ONE,), (right(ONE, 1.0),))))
    assert (low.score.value, low.score.high) == (1.0, 1.0)
    assert (low.output_tokens.value, low.output_tokens.low) == (100.0, None)
    assert low.cost_per_correct.value == low.cost_total


def test_epochs_of_an_item_are_no_independent_values() -> None:
    """Ten runs of two items tell about two items."""
    records = tuple(
        record(sample, attempt(answer()), epoch=epoch)
        for sample in SAMPLES[:2]
        for epoch in range(10)
    )
    scores = tuple(right(r, float(r.cell.sample is SAMPLES[0])) for r in records)
    (low,) = leaderboard(sample_rows(Held(records, scores)))
    assert (low.score.method, low.score.n, low.score.value) == ("t", 2, 0.5)
    assert (low.score.low, low.score.high) == (0.0, 1.0), "no bound leaves 0..1"
    assert low.output_tokens.n == 2


def test_what_says_nothing_of_the_model_stays_out_of_its_accuracy() -> None:
    cut = replace(answer(), choices=(Choice(0, "", "hm", (), "length"),))
    good, lost = record(SAMPLES[2], attempt(answer())), record(SAMPLES[3], attempt(cut))
    unjudged = record(SAMPLES[4], attempt(answer()))
    scores = (right(good, 1.0), right(lost, 0.0), right(unjudged, None))
    (low,) = leaderboard(sample_rows(Held((good, LOST, lost, unjudged), scores)))
    assert (low.accuracy.value, low.accuracy.n, low.n) == (0.5, 2, 4)
    assert low.failures == {"server": 1}
    assert low.cost_cells == 3
    assert low.cost_per_correct.value == pytest.approx(0.002), "what was judged, per right answer"


def test_no_correct_answer_has_no_price() -> None:
    (low,) = leaderboard(sample_rows(Held((ONE,), (right(ONE, 0.0),))))
    assert (low.cost_per_correct.value, low.cost_per_correct.reason) == (None, "no correct answer")


def cached(result: Response, *before: Attempt) -> Record:
    known = Exchange("u", "{}", result, from_cache=True)
    return record(SAMPLES[7], *before, Attempt(len(before) + 1, 1.0, 0, 0, known))


def test_a_cached_answer_has_no_times_and_costs_this_run_nothing() -> None:
    """Whatever its Timing holds: it is another run's."""
    reader = Held((cached(answer()),))
    (row,) = sample_rows(reader)
    times = [name for name in asdict(row) if name.endswith("_ms") or "chunk" in name]
    assert times
    assert all(getattr(row, name) is None for name in (*times, "coalesced_share"))
    assert (row.from_cache, row.cost) == (True, 0)
    assert row.original_cost == pytest.approx(0.001)
    assert row.output_tokens == 100
    assert list(chunk_rows(reader)) == []


def test_what_was_sent_before_the_cache_answered_was_paid_for() -> None:
    broken = attempt(replace(FAILED, partial=answer(tokens=50)))
    (row,) = sample_rows(Held((cached(answer(), broken),)))
    (sent,) = sample_rows(Held((record(SAMPLES[7], broken),)))
    assert row.cost == sent.cost
    assert row.cost is not None
    assert row.original_cost == pytest.approx(row.cost + 0.001)


def test_an_arm_is_no_cheaper_for_having_its_answers_in_a_cache() -> None:
    fresh = record(SAMPLES[7], attempt(answer()))
    known = cached(answer())
    (asked,) = leaderboard(sample_rows(Held((fresh,), (right(fresh, 1.0),))))
    (recalled,) = leaderboard(sample_rows(Held((known,), (right(known, 1.0),))))
    assert (asked.from_cache, recalled.from_cache) == (0, 1)
    assert (recalled.cost_total, recalled.cost_original) == (0, asked.cost_original)
    assert recalled.cost_per_correct == asked.cost_per_correct
    assert (recalled.e2e_ms.p50.n, asked.e2e_ms.p50.n) == (0, 1)


def test_the_document_names_every_column_with_its_meaning() -> None:
    """docs/data.md has the tables that the row classes tell."""
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    for row_type in (SampleRow, ScoreTableRow, ChunkRow):
        lines = ["| column | type | meaning | empty when |", "|---|---|---|---|"]
        for column in fields(row_type):
            meaning, null = documentation(column)
            hint = str(getattr(column.type, "__name__", column.type)).removesuffix(" | None")
            kind = "str" if hint in ("Mode", "Outcome", "ChunkKind") else hint
            lines.append(f"| `{column.name}` | {kind} | {meaning} | {null or 'never'} |")
        assert "\n".join(lines) in text, f"the table of {row_type.__name__} is not up to date"
