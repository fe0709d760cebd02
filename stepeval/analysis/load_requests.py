"""A benchmark's records as columns of numbers, one group an arm and phase. One pass, no texts kept.

In a column of floats NaN stands for what was not measured; times in nanoseconds are monotonic.
"""

import math
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from stepeval.analysis.load_counts import believed
from stepeval.analysis.load_tokens import (
    Share,
    TokenColumn,
    add_lengths,
    arrivals,
    paces,
    shared_out,
)
from stepeval.analysis.outcomes import outcome_of, sample_score
from stepeval.analysis.timing import finish_ns, latency, token_chunks
from stepeval.core.chat import Chunk, Failure, Response, Timing
from stepeval.core.load import LoadPlan, Objective, Phase, Shape
from stepeval.core.ports import RecordReader
from stepeval.core.record import Attempt, Outcome, Record, RunInfo, ScoreRow, TokenCount
from stepeval.core.task import Suite

METRICS = (
    "ttft", "ttfr", "ttfa", "thinking", "tpot", "reasoning_tpot", "answer_tpot",
    "e2e", "response", "stall", "ttfe",
)  # fmt: skip
_NS_PER_MS = 1e6
_SHARP_NS = 1_000_000  # a chunk that shared its read is known this well if its bounds are so near
_NAN = math.nan
_NO_TIMING = Timing(None, None, None, None)


@dataclass(slots=True)
class Requests:
    """One arm in one phase; the columns have an entry for each request, warm-up included.

    ``due_ns``: when it was due. ``lag_ms``: from then to its first byte; ``start_lag_ms``: to when
    the client took it up, so without opening a connection. ``metrics``: of answered requests.
    ``right``: 1, 0, -1 for not judged. ``cached``: input tokens from the server's cache.
    ``lengths``: the input's tokens, the output's, and the reasoning's, which are part of it.
    ``sent_ns`` and ``over_ns`` have an entry for each attempt, from its first byte to its end.
    ``gaps_ms``: between chunks with tokens, of measured requests; ``shared`` marks those with an
    end that shared its read, ``sharp`` those whose ends are both known to a millisecond.
    ``tokens``: that arrived in the window, by kind; ``counted``: by whom, a number of answers that
    are measured or came in the window. ``disbelieved``: measured requests with a count that is left
    out, see :mod:`stepeval.analysis.load_counts`.
    """

    arm: str
    phase: Phase
    due_ns: "array[int]" = field(default_factory=lambda: array("q"))
    answered: "array[int]" = field(default_factory=lambda: array("b"))
    right: "array[int]" = field(default_factory=lambda: array("b"))
    in_time: "array[int]" = field(default_factory=lambda: array("b"))
    finish_ns: "array[int]" = field(default_factory=lambda: array("q"))
    lag_ms: "array[float]" = field(default_factory=lambda: array("d"))
    start_lag_ms: "array[float]" = field(default_factory=lambda: array("d"))
    cached: "array[float]" = field(default_factory=lambda: array("d"))
    lengths: dict[str, TokenColumn] = field(
        default_factory=lambda: {name: TokenColumn() for name in ("input", "output", "reasoning")}
    )
    metrics: dict[str, "array[float]"] = field(
        default_factory=lambda: {name: array("d") for name in METRICS}
    )
    sent_ns: "array[int]" = field(default_factory=lambda: array("q"))
    over_ns: "array[int]" = field(default_factory=lambda: array("q"))
    gaps_ms: "array[float]" = field(default_factory=lambda: array("d"))
    shared: "array[int]" = field(default_factory=lambda: array("b"))
    sharp: "array[int]" = field(default_factory=lambda: array("b"))
    failures: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counted: Counter[str] = field(default_factory=Counter)
    stamps: Counter[str] = field(default_factory=Counter)
    events: int = 0
    coalesced: int = 0
    token_events: int = 0
    counted_tokens: float = 0.0
    disbelieved: int = 0

    def in_window(self, moment_ns: int) -> bool:
        return self.phase.steady_ns <= moment_ns < self.phase.end_ns


@dataclass(frozen=True, slots=True)
class Measured:
    """``judged``: the suite has rules and the run has scores. ``outside``: requests of no phase.
    ``of_load``: the groups again, by their load.
    """

    info: RunInfo
    plan: LoadPlan
    arms: tuple[str, ...]
    phases: tuple[Phase, ...]
    groups: tuple[Requests, ...]
    judged: bool
    outside: int
    of_load: Mapping[float, tuple[Requests, ...]]


def measure(reader: RecordReader) -> Measured:
    """Groups in the order of the phases, then of the suite's arms."""
    info, suite, phases = reader.info(), reader.suite(), reader.phases()
    plan = info.load or LoadPlan(Shape.CLOSED, (), None, None, "")
    arms = tuple(arm.name for arm in suite.arms)
    groups = {(n, arm): Requests(arm, phase) for n, phase in enumerate(phases) for arm in arms}
    begins = [phase.begin_ns for phase in phases]
    outside = 0
    judged = False
    for record, scores, count in _with_counts(reader, plan):
        due = _due_ns(record.attempts[0])
        place = bisect_right(begins, due) - 1
        if place < 0 or due >= phases[place].end_ns:
            outside += 1
            continue
        judged = judged or bool(scores)
        group = groups[place, record.cell.arm.name]
        _add(group, record, count, plan)
        is_right = _right(record, suite, scores)
        group.right.append(-1 if is_right is None else is_right)
    judged = judged and bool(suite.scoring)
    of_load: dict[float, list[Requests]] = defaultdict(list)
    for group in groups.values():
        of_load[group.phase.load].append(group)
    return Measured(
        info=info,
        plan=plan,
        arms=arms,
        phases=phases,
        groups=tuple(groups.values()),
        judged=judged,
        outside=outside,
        of_load={load: tuple(own) for load, own in sorted(of_load.items())},
    )


def _with_counts(
    reader: RecordReader, plan: LoadPlan
) -> Iterator[tuple[Record, tuple[ScoreRow, ...], TokenCount | None]]:
    """They come in the order of the records, too. Counts that nobody answers for are not read."""
    counts = iter(()) if plan.vocabulary is None else reader.token_counts()
    waiting = next(counts, None)
    for record, scores in reader.scored_records():
        if waiting is not None and waiting.cell_id == record.cell.id:
            yield record, scores, waiting
            waiting = next(counts, None)
        else:
            yield record, scores, None


def _add(group: Requests, told: Record, count: TokenCount | None, plan: LoadPlan) -> None:
    record, is_disbelieved = believed(told)
    first, last = record.attempts[0], record.attempts[-1]
    due = _due_ns(first)
    timing = _timing(last.exchange.result)
    is_measured = group.in_window(due)
    group.disbelieved += is_disbelieved and is_measured
    is_answered = isinstance(last.exchange.result, Response)
    sent = _timing(first.exchange.result).sent_ns
    group.due_ns.append(due)
    group.answered.append(is_answered)
    group.finish_ns.append(finish_ns(timing) or last.ended_ns)
    group.lag_ms.append(_NAN if sent is None else (sent - due) / _NS_PER_MS)
    group.start_lag_ms.append((first.started_ns - due) / _NS_PER_MS)
    shares = None if count is None else shared_out(timing.chunks, count)
    found = _metrics(timing, due, shares) if is_answered else {}
    for name, column in group.metrics.items():
        value = found.get(name)
        column.append(_NAN if value is None else value)
    group.in_time.append(keeps(plan.objectives, found) if is_answered else 0)
    _add_usage(group, record, count)
    for attempt in record.attempts:
        own = shares if attempt is last else None
        _add_attempt(group, attempt, own, is_measured=is_measured)
    if is_measured and isinstance(last.exchange.result, Failure):
        group.failures[last.exchange.result.kind.value] += 1


def keeps(objectives: Iterable[Objective], metrics: dict[str, float | None]) -> bool:
    """Whether a request is within every limit; without the metric it is not."""
    values = ((metrics.get(one.metric), one.limit_ms) for one in objectives)
    return all(value is not None and value <= limit for value, limit in values)


def _metrics(
    timing: Timing, due_ns: int, shares: Sequence[Share] | None
) -> dict[str, float | None]:
    found = latency(timing)
    finish = finish_ns(timing)
    values = {name: getattr(found, name) for name in METRICS if name != "response"}
    values |= paces(shares) if shares is not None else {}
    return values | {"response": None if finish is None else (finish - due_ns) / _NS_PER_MS}


def _add_usage(group: Requests, record: Record, count: TokenCount | None) -> None:
    result = record.result
    cached = result.usage.cached_tokens if isinstance(result, Response) else None
    group.cached.append(_NAN if cached is None else cached)
    add_lengths(group.lengths, record.cell, result, count)


def _add_attempt(
    group: Requests, attempt: Attempt, shares: Sequence[Share] | None, *, is_measured: bool
) -> None:
    timing = _timing(attempt.exchange.result)
    group.sent_ns.append(attempt.started_ns if timing.sent_ns is None else timing.sent_ns)
    group.over_ns.append(attempt.ended_ns if timing.done_ns is None else timing.done_ns)
    who, came = arrivals(timing.chunks, shares)
    for moment_ns, kind, tokens in came:
        if group.in_window(moment_ns):
            group.tokens[kind] += tokens
    is_answer = isinstance(attempt.exchange.result, Response)
    group.counted[who] += is_answer and (is_measured or _touches(group, timing))
    if not is_measured:
        return
    for chunk in timing.chunks:
        group.stamps[chunk.stamp] += 1
        group.coalesced += chunk.coalesced
    group.events += len(timing.chunks)
    _add_gaps(group, token_chunks(timing.chunks))
    if shares is not None:
        group.token_events += max(0, len(shares) - 1)
        group.counted_tokens += sum(share.tokens for share in shares[1:])


def _touches(group: Requests, timing: Timing) -> bool:
    """Whether any of an answer came in the window."""
    moments = (timing.done_ns, *(chunk.arrival_ns for chunk in timing.chunks))
    return any(moment is not None and group.in_window(moment) for moment in moments)


def _add_gaps(group: Requests, chunks: Sequence[Chunk]) -> None:
    for before, after in pairwise(chunks):
        group.gaps_ms.append((after.arrival_ns - before.arrival_ns) / _NS_PER_MS)
        group.shared.append(before.coalesced or after.coalesced)
        group.sharp.append(_is_sharp(before) and _is_sharp(after))
        if before.output_tokens is not None and after.output_tokens is not None:
            group.token_events += 1
            group.counted_tokens += after.output_tokens - before.output_tokens


def _is_sharp(chunk: Chunk) -> bool:
    return not chunk.coalesced or chunk.arrival_ns - chunk.not_before_ns <= _SHARP_NS


def _due_ns(first: Attempt) -> int:
    due = _timing(first.exchange.result).scheduled_ns
    return first.started_ns if due is None else due


def _timing(result: Response | Failure) -> Timing:
    """Of a broken answer the part that came, for its chunks."""
    if isinstance(result, Response):
        return result.timing
    if result.partial is not None:
        return replace(result.timing or _NO_TIMING, chunks=result.partial.timing.chunks)
    return result.timing or _NO_TIMING


def _right(record: Record, suite: Suite, scores: Sequence[ScoreRow]) -> bool | None:
    """Whether every choice is; None where one was not judged."""
    result = record.result
    if not scores or not isinstance(result, Response):
        return None
    outcomes = []
    for choice in result.choices:
        rows = {row.rule: row for row in scores if row.choice == choice.index}
        score = sample_score(suite.scoring, record.cell.sample, rows)
        outcomes.append(outcome_of(result, choice, score))
    if not outcomes or Outcome.UNSCORED in outcomes:
        return None
    return all(outcome is Outcome.CORRECT for outcome in outcomes)
