"""A stored run as rows: streamed, one record in memory at a time, without pandas."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from stepeval.analysis.columns import ChunkRow, SampleRow, ScoreTableRow
from stepeval.analysis.outcomes import NOT_COUNTED, outcome_of, sample_score
from stepeval.analysis.timing import (
    coalesced_share,
    finish_ns,
    latency,
    phase_tokens,
    reasoning_tokens,
)
from stepeval.core.chat import Choice, Failure, Response, Timing, Usage
from stepeval.core.ports import RecordReader
from stepeval.core.pricing import cost, price_for
from stepeval.core.record import Attempt, Mode, Outcome, Record, RunInfo, ScoreRow
from stepeval.core.task import Price, Sample, Suite

__all__ = ["ChunkRow", "SampleRow", "ScoreTableRow", "chunk_rows", "sample_rows", "score_rows"]

_NS_PER_MS = 1e6
_UNTIMED = Timing(None, None, None, None)


def sample_rows(reader: RecordReader) -> Iterator[SampleRow]:
    """A row for each choice of each finished cell, in the order the cells were finished."""
    to_rows = sample_maker(reader)
    for record, scores in reader.scored_records():
        for row in to_rows(record, scores):
            yield SampleRow(**row)


def sample_maker(
    reader: RecordReader,
) -> Callable[[Record, Iterable[ScoreRow]], Iterator[dict[str, Any]]]:
    """What makes a record of ``reader`` and its scores into the columns of SampleRows."""
    info, suite = reader.info(), reader.suite()
    prices = {arm.name: price_for(arm, suite, info.asked_as) for arm in suite.every_arm}
    params = {arm.name: json.dumps(arm.params, sort_keys=True) for arm in suite.every_arm}

    def to_rows(record: Record, scores: Iterable[ScoreRow]) -> Iterator[dict[str, Any]]:
        arm = record.cell.arm.name
        of_cell = _identity(record, info) | _request_columns(record, prices[arm], info.mode)
        of_cell["params"] = params[arm]
        for result in _choice_columns(record, suite, scores):
            yield of_cell | result

    return to_rows


def score_rows(reader: RecordReader) -> Iterator[ScoreTableRow]:
    info = reader.info()
    return (ScoreTableRow(**score_columns(info, row)) for row in reader.scores())


def score_columns(info: RunInfo, row: ScoreRow) -> dict[str, Any]:
    score = row.score
    return {
        "run_id": info.id,
        "mode": info.mode,
        "cell_id": row.cell_id,
        "choice": row.choice,
        "rule": row.rule,
        "scorer": score.scorer,
        "value": score.value,
        "answer": score.answer,
        "explanation": score.explanation,
        "metadata": json.dumps(score.metadata, sort_keys=True) if score.metadata else "{}",
    }


def chunk_rows(reader: RecordReader) -> Iterator[ChunkRow]:
    return (ChunkRow(**columns) for columns in chunk_columns(reader))


def chunk_columns(reader: RecordReader) -> Iterator[dict[str, Any]]:
    info = reader.info()
    for record in reader.records():
        timing = _timing(record.result)
        if timing is None or record.from_cache:
            continue
        before: int | None = None
        for index, chunk in enumerate(timing.chunks):
            yield {
                "run_id": info.id,
                "mode": info.mode,
                "cell_id": record.cell.id,
                "arm": record.cell.arm.name,
                "index": index,
                "choice": chunk.choice,
                "kind": chunk.kind,
                "arrival_ms": _ms(timing.sent_ns, chunk.arrival_ns),
                "not_before_ms": _ms(timing.sent_ns, chunk.not_before_ns),
                "gap_ms": _ms(before, chunk.arrival_ns),
                "output_tokens": chunk.output_tokens,
                "reasoning_chars": chunk.reasoning_chars,
                "answer_chars": chunk.answer_chars,
                "coalesced": chunk.coalesced,
                "stamp": chunk.stamp,
            }
            before = chunk.arrival_ns


def _identity(record: Record, info: RunInfo) -> dict[str, Any]:
    cell = record.cell
    return {
        "run_id": info.id,
        "mode": info.mode,
        "cell_id": cell.id,
        "arm": cell.arm.name,
        "provider": cell.arm.provider,
        "model": cell.arm.model,
        "prompt": cell.arm.prompt,
        "sample_id": cell.sample.id,
        "sample_key": cell.sample.key,
        "cluster": _cluster(cell.sample),
        "epoch": cell.epoch,
    }


def _cluster(sample: Sample) -> str | None:
    found = sample.metadata.get("cluster")
    if found is None or isinstance(found, str):
        return found
    return json.dumps(found, sort_keys=True)


def _choice_columns(
    record: Record, suite: Suite, scores: Iterable[ScoreRow]
) -> Iterator[dict[str, Any]]:
    by_choice: dict[int, dict[str, ScoreRow]] = {}
    for row in scores:
        by_choice.setdefault(row.choice, {})[row.rule] = row
    result = record.result
    choices: tuple[Choice | None, ...] = ()
    if isinstance(result, Response):
        choices = result.choices
    for choice in choices or (None,):
        index = choice.index if choice is not None else 0
        score = sample_score(suite.scoring, record.cell.sample, by_choice.get(index, {}))
        outcome = outcome_of(result, choice, score)
        counts = outcome not in NOT_COUNTED
        yield {
            "choice": index,
            "outcome": outcome,
            "score": score,
            "correct": outcome is Outcome.CORRECT if counts else None,
            **(_UNSAID if choice is None else _said(choice)),
        }


def _said(choice: Choice) -> dict[str, Any]:
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "finish_reason": choice.finish_reason,
        "reasoning_chars": None if choice.reasoning is None else len(choice.reasoning),
        "answer_chars": len(choice.text),
    }


_UNSAID: Mapping[str, Any] = dict.fromkeys(_said(Choice(0, "")))


def _request_columns(record: Record, price: Price | None, mode: Mode) -> dict[str, Any]:
    result = record.result
    paid, original = _costs(record, price, mode)
    failure = result if isinstance(result, Failure) else None
    return {
        "attempts": len(record.attempts),
        "from_cache": record.from_cache,
        "retried": _retried(record.attempts),
        "failure": failure and failure.kind.value,
        "failure_message": failure and failure.message,
        "status": failure and failure.status,
        "trace_id": result.trace_id,
        "cost": paid,
        "original_cost": original,
        "currency": price and price.currency,
        "schedule_lag_ms": None if record.from_cache else _schedule_lag(record.attempts),
        **_latencies(record, mode),
        **_tokens(result),
    }


def _retried(attempts: tuple[Attempt, ...]) -> str | None:
    results = (attempt.exchange.result for attempt in attempts[:-1])
    return ",".join(r.kind.value for r in results if isinstance(r, Failure)) or None


def _latencies(record: Record, mode: Mode) -> dict[str, Any]:
    """Of a cached answer none: its chunks came to another run."""
    result = record.result
    is_timed = isinstance(result, Response) and not record.from_cache
    timing = result.timing if isinstance(result, Response) and is_timed else _UNTIMED
    # What was waited between recorded attempts is on no cassette.
    has_user_time = is_timed and (mode is not Mode.REPLAY or len(record.attempts) == 1)
    found = latency(timing)
    return {
        "ttfe_ms": found.ttfe,
        "ttft_ms": found.ttft,
        "ttfr_ms": found.ttfr,
        "ttfa_ms": found.ttfa,
        "thinking_ms": found.thinking,
        "tpot_ms": found.tpot,
        "e2e_ms": found.e2e,
        "stall_ms": found.stall,
        "user_ms": _user_time(record.attempts, timing) if has_user_time else None,
        "chunk_count": len(timing.chunks) or None,
        "coalesced_share": coalesced_share(timing.chunks),
    }


def _tokens(result: Response | Failure) -> dict[str, Any]:
    response = result if isinstance(result, Response) else None
    usage = response.usage if response else Usage()
    reasoning, source = reasoning_tokens(response) if response else (None, None)
    return {
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": reasoning,
        "answer_tokens": _answer_tokens(response) if response else None,
        "reasoning_source": source,
    }


def _answer_tokens(response: Response) -> int | None:
    """What the provider does not count as reasoning; else those of the answer's chunks."""
    usage = response.usage
    if usage.reasoning_tokens is None:
        phases = phase_tokens(response.timing.chunks)
        return None if phases is None else phases.answer
    if usage.output_tokens is None or usage.output_tokens < usage.reasoning_tokens:
        return None
    return usage.output_tokens - usage.reasoning_tokens


def _costs(record: Record, price: Price | None, mode: Mode) -> tuple[float | None, float | None]:
    """What this run paid, and what was paid when the answers were sent."""
    original = _cost(record, price)
    if price is None or not (record.from_cache or mode is Mode.REPLAY):
        return original, original
    if mode is Mode.REPLAY:
        return 0.0, original
    sent = [cost(_usage(attempt.exchange.result), price) for attempt in record.attempts[:-1]]
    return sum(value for value in sent if value is not None), original


def _cost(record: Record, price: Price | None) -> float | None:
    """Of every attempt that says its tokens: an answer that broke off was paid for, too.

    None where the final answer's own cost is unknown, for the sum would look complete.
    """
    costs = [cost(_usage(attempt.exchange.result), price) for attempt in record.attempts]
    if isinstance(record.result, Response) and costs[-1] is None:
        return None
    known = [value for value in costs if value is not None]
    return sum(known) if known else None


def _usage(result: Response | Failure) -> Usage:
    response = result if isinstance(result, Response) else result.partial
    return Usage() if response is None else response.usage


def _timing(result: Response | Failure) -> Timing | None:
    if isinstance(result, Response):
        return result.timing
    return result.partial.timing if result.partial is not None else result.timing


def _last_session(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Those of the process that finished the cell: another one's clock cannot be compared.

    Attempts count up within a process, and a resumed run counts from the start.
    """
    first = len(attempts) - 1
    while first > 0 and _follows(attempts[first], attempts[first - 1]):
        first -= 1
    return attempts[first:]


def _follows(attempt: Attempt, before: Attempt) -> bool:
    counted_up = (attempt.turn, attempt.number) > (before.turn, before.number)
    return counted_up and attempt.started_ns >= before.ended_ns


def _user_time(attempts: tuple[Attempt, ...], timing: Timing) -> float | None:
    first = _last_session(attempts)[0]
    sent = _timing(first.exchange.result)
    start = first.started_ns if sent is None or sent.sent_ns is None else sent.sent_ns
    return _ms(start, finish_ns(timing))


def _schedule_lag(attempts: tuple[Attempt, ...]) -> float | None:
    timing = _timing(_last_session(attempts)[0].exchange.result)
    return None if timing is None else _ms(timing.scheduled_ns, timing.sent_ns)


def _ms(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / _NS_PER_MS
