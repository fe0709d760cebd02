"""Runs made by hand: a RecordReader without a store, filled with plausible answers."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stepeval.core.baseline import Baseline
from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    JsonObject,
    Message,
    Response,
    Timing,
    Usage,
)
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Attempt, Mode, Record, RunInfo, Score, ScoreRow, TokenCount
from stepeval.core.task import Arm, Cell, Price, Prompt, Provider, Sample, ScoringRule, Suite

MODEL = "step-3.7-flash"
_MS = 1_000_000
_EFFORTS = {"low": (0.80, 150, 700), "medium": (0.86, 420, 800), "high": (0.95, 1300, 900)}
Text = Callable[[str], str]
"""What every text of a run passes through, so that a test can put its own into each."""


@dataclass(frozen=True)
class MadeRun:
    run_info: RunInfo
    made_suite: Suite
    made_records: tuple[Record, ...]
    made_scores: tuple[ScoreRow, ...]
    made_changes: tuple[LimitChange, ...] = ()

    def info(self) -> RunInfo:
        return self.run_info

    def suite(self) -> Suite:
        return self.made_suite

    def records(self) -> Iterator[Record]:
        return iter(self.made_records)

    def scores(self) -> Iterator[ScoreRow]:
        return iter(self.made_scores)

    def baseline(self) -> Baseline | None:
        return None

    def looks(self) -> tuple[JsonObject, ...]:
        return ()

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        for each in self.made_records:
            yield each, tuple(row for row in self.made_scores if row.cell_id == each.cell.id)

    def limit_changes(self) -> tuple[LimitChange, ...]:
        return self.made_changes

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def token_counts(self) -> Iterator[TokenCount]:
        return iter(())


def made_run(
    *,
    items: int = 120,
    arms: Sequence[str] = tuple(_EFFORTS),
    mode: Mode = Mode.SIMULATED,
    seed: int = 7,
    text: Text = str,
    unfinished: int = 0,
    scored: bool = True,
    priced: bool = True,
) -> MadeRun:
    """``unfinished``: so many of the last cells have no record."""
    rng = random.Random(seed)
    suite = _suite(items, arms, text, scored=scored, priced=priced)
    cells = [
        Cell(f"cell-{place}-{arm.name}", arm, sample)
        for place, sample in enumerate(suite.samples)
        for arm in suite.arms
    ]
    cells = cells[: len(cells) - unfinished]
    records, scores = [], []
    for place, cell in enumerate(cells):
        records.append(_record(rng, suite, cell, place, text))
        if scored and isinstance(records[-1].result, Response):
            scores.append(_score(cell, records[-1].result, suite.scoring[0].id, text))
    return MadeRun(_info(suite, mode, text), suite, tuple(records), tuple(scores))


def _suite(items: int, arms: Sequence[str], text: Text, *, scored: bool, priced: bool) -> Suite:
    model = text(MODEL)
    system = Message("system", text("Answer with a number."))
    kinds = [text(kind) for kind in ("arithmetic", "logic", "extraction")]
    prices = {model: Price("USD", 0.2, 0.04, 1.15, text("2026-09-29"))} if priced else {}
    return Suite(
        name=text("reasoning-tiers"),
        description=text("What does more reasoning buy? Small sums, asked at each effort."),
        providers=(Provider("stepfun", text("https://api.example/v1")),),
        prompts=(Prompt("plain", (system, Message("user", "{{ input }}"))),),
        samples=tuple(_sample(place, kinds[place % 3], text) for place in range(items)),
        arms=tuple(
            Arm(text(name), "stepfun", model, "plain", {"reasoning_effort": _effort(name)})
            for name in arms
        ),
        scoring=(ScoringRule(text("numeric"), "numeric"),) if scored else (),
        seed=11,
        prices=prices,
        source=text("suites/reasoning_tiers.yaml"),
    )


def _effort(name: str) -> str:
    return name if name in _EFFORTS else "low"


def _sample(place: int, kind: str, text: Text) -> Sample:
    left, right = 17 + place, 23 + 3 * place
    return Sample(
        id=text(f"{'sum' if place % 3 else 'product'}-{place:03d}"),
        input=text(f"A crate holds {left} jars. How many jars are in {right} crates?"),
        target=str(left * right),
        metadata={
            "kind": kind,
            "difficulty": round(place % 10 / 10, 1),
        },
    )


def _record(rng: random.Random, suite: Suite, cell: Cell, place: int, text: Text) -> Record:
    body = json.dumps(
        {
            "model": cell.arm.model,
            "messages": [
                {"role": "system", "content": suite.prompts[0].messages[0].content},
                {"role": "user", "content": cell.sample.input},
            ],
            **cell.arm.params,
            "stream": True,
        },
        ensure_ascii=False,
    )
    result = _failure(place, text) if rng.random() < 0.015 else _response(rng, cell, place, text)
    start = place * 400 * _MS
    attempt = Attempt(
        number=1,
        started_at=1_790_000_000 + place * 0.4,
        started_ns=start,
        ended_ns=start + 3000 * _MS,
        exchange=Exchange("https://api.stepfun.ai/v1/chat/completions", body, result),
    )
    return Record(cell, (attempt,))


def _failure(place: int, text: Text) -> Failure:
    return Failure(
        FailureKind.RATE_LIMIT,
        text("requests per minute reached for this account"),
        status=429,
        trace_id=text(f"trace-{place:05d}"),
    )


def _response(rng: random.Random, cell: Cell, place: int, text: Text) -> Response:
    right, thought, first_ms = _EFFORTS[_effort(str(cell.arm.params["reasoning_effort"]))]
    reasoning_tokens = max(8, int(rng.gauss(thought, thought / 3)))
    lost, filtered = rng.random() < 0.012, rng.random() < 0.004
    answer_tokens = 0 if lost else rng.randint(12, 60)
    number = cell.sample.target if rng.random() < right else str(rng.randint(100, 900))
    said = "" if lost else f"There are **{number}** jars.\n\n{number}"
    thinking = f"Each crate holds the same number, so I multiply.\nThat gives {number}. " * 3
    finish = "length" if lost else "content_filter" if filtered else "stop"
    return Response(
        id=f"response-{place}",
        model=cell.arm.model,
        choices=(Choice(0, text(said) if said else "", text(thinking), (), finish),),
        usage=Usage(90, reasoning_tokens + answer_tokens, None, 32, reasoning_tokens),
        timing=_timing(place, first_ms * rng.lognormvariate(0, 0.35), reasoning_tokens * 4),
        trace_id=text(f"trace-{place:05d}"),
    )


def _timing(place: int, first_ms: float, rest_ms: float) -> Timing:
    sent = place * 400 * _MS
    first = sent + int(first_ms * _MS)
    last = first + int(rest_ms * _MS)
    chunks = (
        Chunk(first, sent, ChunkKind.REASONING, output_tokens=1, reasoning_chars=5),
        Chunk(last, first, ChunkKind.ANSWER, output_tokens=200, answer_chars=30),
    )
    return Timing(sent, sent, first, last, chunks)


def _score(cell: Cell, result: Response, rule: str, text: Text) -> ScoreRow:
    is_right = f"**{cell.sample.target}**" in result.choices[0].text
    explanation = text("it is the target" if is_right else "it is not the target")
    return ScoreRow(cell.id, 0, rule, Score("numeric", float(is_right), text("2516"), explanation))


def _info(suite: Suite, mode: Mode, text: Text) -> RunInfo:
    return RunInfo(
        id=text("20260921-121320-reasoning-tiers-7f3a"),
        suite_name=suite.name,
        suite_hash=text("5f0c9a1be7724d0c8a53b1f6d2e4a981"),
        mode=mode,
        created_at=1_790_000_000.0,
        host=text("Linux 6.8.0 x86_64"),
        versions={"python": text("3.11.9"), "httpx": "0.28.1", "stepeval": "0.1.0"},
        command=text("stepeval run suites/reasoning_tiers.yaml --seed 11"),
        git_commit=text("c1a9aba5f2f7f3a9c0d1e2b3a4c5d6e7f8091a2b"),
        git_dirty=True,
        label=text("nightly"),
    )
