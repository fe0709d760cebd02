"""Load benchmarks made by hand: a RecordReader over requests whose every time is known."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
from stepeval.core.load import Health, LoadPlan, Objective, Phase, Shape
from stepeval.core.record import Attempt, Mode, Record, RunInfo, Score, ScoreRow, TokenCount
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, ScoringRule, Suite

MS = 1_000_000
S = 1000 * MS
PLAN = LoadPlan(Shape.POISSON, (5.0, 20.0), None, 10.0, "2 s")
INFO = RunInfo(
    "20260921-121320-synthetic-7f3a", "synthetic", "5f0c", Mode.SIMULATED, 1_790_000_000.0,
    "Linux", {"python": "3.11"}, "stepeval bench --model m", load=PLAN,
)  # fmt: skip
SAMPLE = Sample("0", "Count to ten.")


@dataclass(frozen=True)
class LoadRun:
    """A RecordReader over values in memory."""

    kept: tuple[Record, ...]
    ran: tuple[Phase, ...]
    plan: LoadPlan = PLAN
    arms: tuple[Arm, ...] = (Arm("a", "p", "m", "q"),)
    rules: tuple[ScoringRule, ...] = ()
    kept_scores: tuple[ScoreRow, ...] = ()
    kept_counts: tuple[TokenCount, ...] = ()
    told: RunInfo = field(default=INFO)

    def info(self) -> RunInfo:
        return replace(self.told, load=self.plan)

    def suite(self) -> Suite:
        asked = Prompt("q", (Message("user", "{{ input }}"),))
        providers = (Provider("p", "https://h/v1"),)
        return Suite("synthetic", providers, (asked,), (SAMPLE,), self.arms, scoring=self.rules)

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
        return self.ran

    def token_counts(self) -> Iterator[TokenCount]:
        return iter(self.kept_counts)


def phase(number: int = 0, load: float = 5.0, *, begin_s: float = 0.0, **other: Any) -> Phase:
    """2 s of warm-up, 10 s of steady state, a client that was at ease."""
    begin = int(begin_s * S) + S
    health = (Health((100,) * 1000, 1.0, 12.0),)
    made = Phase(number, 0, load, begin, begin + 2 * S, begin + 12 * S, begin + 13 * S, health)
    return replace(made, **other)


def stream(
    sent: int,
    *,
    first_ms: float = 100.0,
    gap_ms: float = 10.0,
    thoughts: int = 2,
    words: int = 3,
    tokens: bool = True,
) -> tuple[Chunk, ...]:
    """``thoughts`` chunks of reasoning, then ``words`` of the answer, two tokens each."""
    chunks = []
    for n in range(thoughts + words):
        at = sent + int((first_ms + n * gap_ms) * MS)
        reasons = n < thoughts
        kind = ChunkKind.REASONING if reasons else ChunkKind.ANSWER
        count = 2 * (n + 1) if tokens else None
        chunks.append(
            Chunk(at, at - MS // 2, kind, 0, count, 8 * reasons, 8 * (not reasons), stamp="kernel")
        )
    return tuple(chunks)


def answered(
    due: int,
    chunks: Sequence[Chunk],
    *,
    lag_ms: float = 1.0,
    arm: Arm | None = None,
    usage: Usage | None = None,
) -> Record:
    sent = due + int(lag_ms * MS)
    done = chunks[-1].arrival_ns + MS if chunks else sent + 500 * MS
    timing = Timing(due, sent, sent + 5 * MS, done, tuple(chunks))
    found = Response("i", "m", (Choice(0, "1 2 3"),), usage or Usage(100, 10), timing)
    return record(due, Attempt(1, due / S, due + MS // 2, done + MS, _exchange(found)), arm=arm)


def failed(due: int, *, took_ms: float = 50.0, arm: Arm | None = None) -> Record:
    end = due + int(took_ms * MS)
    failure = Failure(FailureKind.SERVER, "boom", 500, timing=Timing(due, due + MS, end, end))
    return record(due, Attempt(1, due / S, due + MS // 2, end, _exchange(failure)), arm=arm)


def record(due: int, *attempts: Attempt, arm: Arm | None = None) -> Record:
    used = arm or Arm("a", "p", "m", "q")
    return Record(Cell(f"{used.name}-{due}", used, SAMPLE), attempts)


def silent(due: int, *, arm: Arm | None = None, words: int = 3, thoughts: int = 2) -> Record:
    """An answer whose server tells no tokens."""
    chunks = stream(due + MS, tokens=False, words=words, thoughts=thoughts)
    return answered(due, chunks, arm=arm, usage=Usage())


def counted(found: Record, output: int = 20, reasoning: int = 8, given: int = 50) -> TokenCount:
    """As this client counted it."""
    return TokenCount(found.cell.id, given, output, reasoning)


def right(found: Record, value: float) -> ScoreRow:
    return ScoreRow(found.cell.id, 0, "right", Score("exact", value))


def _exchange(result: Response | Failure) -> Exchange:
    return Exchange("https://h/v1/chat/completions", '{"model": "m", "messages": []}', result)


def made_load_run(
    *,
    loads: Sequence[float] = (5.0, 20.0, 40.0),
    arms: Sequence[str] = ("low", "high"),
    repeats: int = 1,
    seed: int = 3,
    shape: Shape = Shape.POISSON,
    limit_ms: float | None = 600.0,
    capacity: float = 30.0,
    health: tuple[Health, ...] = (Health((100,) * 1000, 1.0, 12.0),),
) -> LoadRun:
    """A server that slows down as the load nears ``capacity`` requests/s, and then sheds some."""
    rng = random.Random(seed)
    made = tuple(Arm(name, "p", "m", "q", {"reasoning_effort": name}) for name in arms)
    kept, ran = [], []
    for number, (load, repeat) in enumerate((x, r) for x in loads for r in range(repeats)):
        one = phase(number, load, begin_s=14.0 * number, repeat=repeat, health=health)
        ran.append(one)
        due = one.begin_ns
        while (due := due + int(rng.expovariate(load) * S)) < one.end_ns:
            place = rng.randrange(len(made))
            kept.append(_one(rng, due, made[place], 1 + place, load / capacity))
    objectives = () if limit_ms is None else (Objective("ttft", limit_ms),)
    plan = replace(PLAN, shape=shape, loads=tuple(loads), repeats=repeats, objectives=objectives)
    return LoadRun(tuple(kept), tuple(ran), plan, made)


def _one(rng: random.Random, due: int, arm: Arm, slowness: int, busy: float) -> Record:
    if busy > 1 and rng.random() < 1 - 1 / busy:
        return failed(due, arm=arm)
    wait = 120 * slowness * rng.lognormvariate(0, 0.3) * (1 + 3 * max(0.0, busy - 0.5))
    pace = rng.lognormvariate(2.5, 0.2)
    chunks = stream(due + MS, first_ms=wait, gap_ms=pace, thoughts=10 * slowness, words=12)
    cached = rng.choice((0, 0, 64, None))
    return answered(due, chunks, arm=arm, usage=Usage(100, 2 * len(chunks), None, cached))
