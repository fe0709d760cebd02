"""Attempts and scores as rows of the run's tables, and back."""

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from sys import intern
from typing import Any

from stepeval.core.chat import Exchange, Failure, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.limits import LimitChange
from stepeval.core.load import Health, Phase
from stepeval.core.record import Attempt, Record, Score, ScoreRow, TokenCount
from stepeval.core.task import Cell, ScoringRule
from stepeval.store import chunks, texts
from stepeval.store.codec import dump, from_text, to_text

_MOST_PHASES = 10_000
_LATEST_NS = 2**62
LATEST_S = 253_402_300_800  # since 1970: what comes then is no date
_RESPONSE, _CACHED = "response", "cached"  # else the column has the failure's kind

_ATTEMPT = (
    "number", "turn", "started_at", "started_ns", "ended_ns",
    "outcome", "url", "body", "result", "chunks",
)  # fmt: skip
PHASE_COLUMNS = "number, repeat, load, begin_ns, steady_ns, end_ns, drained_ns, health"
SCORE_COLUMNS = "choice, rule, scorer, value, answer, explanation, metadata"
WHOLE_RESULT = "CASE WHEN s.answer = x'3d' THEN a.result END"
_WHOLE = b"="  # in the place of a score's answer; texts.pack makes no such value
_INSERT_ATTEMPT = (
    f"INSERT INTO attempts (cell, {', '.join(_ATTEMPT)}) VALUES (?{', ?' * len(_ATTEMPT)})"  # noqa: S608  -- names and marks of this module only
)
_INSERT_SCORE = (
    f"INSERT INTO scores (scoring, attempt, {SCORE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  -- names of this module only
)
# Of a cell that was asked again, the latest final counts; ``f`` is the table's alias in a query.
COUNTS = "NOT EXISTS (SELECT 1 FROM finals l WHERE l.cell = f.cell AND l.attempt > f.attempt)"


def attempt_columns(table: str) -> str:
    """For a query whose rows go to :func:`read_attempt`; ``table`` is its alias there."""
    return ", ".join(f"{table}.{name}" for name in _ATTEMPT)


def insert_attempt(
    connection: sqlite3.Connection, cell: Cell, attempt: Attempt, *, final: bool, again: bool
) -> None:
    """``again``: the cell may have its final attempt already, and is asked once more."""
    added = connection.execute(
        "INSERT INTO cells (id, arm, sample, epoch) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (cell.id, cell.arm.name, cell.sample.key, cell.epoch),
    )
    number = added.lastrowid if added.rowcount else _cell_number(connection, cell.id)
    if not added.rowcount and not again:
        _refuse_final(connection, cell.id, number)
    seq = connection.execute(_INSERT_ATTEMPT, (number, *_attempt_values(attempt))).lastrowid
    if final:
        connection.execute("INSERT INTO finals (attempt, cell) VALUES (?, ?)", (seq, number))
    _insert_usage(connection, seq, number, attempt.exchange)


def _insert_usage(
    connection: sqlite3.Connection, seq: int | None, cell: int | None, exchange: Exchange
) -> None:
    """Where something was sent and both counts are known."""
    result = exchange.result
    said = result if isinstance(result, Response) else result.partial
    usage = Usage() if said is None or exchange.from_cache else said.usage
    if usage.input_tokens is None or usage.output_tokens is None:
        return
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    connection.execute(
        "INSERT INTO usages (attempt, cell, input, cached, output) VALUES (?, ?, ?, ?, ?)",
        (seq, cell, usage.input_tokens, cached, usage.output_tokens),
    )


def _refuse_final(connection: sqlite3.Connection, cell_id: str, number: int | None) -> None:
    if connection.execute("SELECT 1 FROM finals WHERE cell = ?", (number,)).fetchone():
        raise StoreError(f"cell {cell_id} has its final attempt already")


def insert_scores(connection: sqlite3.Connection, scores: Iterable[ScoreRow], scoring: int) -> None:
    for row in scores:
        score, attempt = row.score, _final_attempt(connection, row.cell_id)
        values = (
            scoring,
            attempt,
            row.choice,
            row.rule,
            score.scorer,
            score.value,
            _kept_answer(connection, attempt, row),
            texts.pack(score.explanation),
            to_text(score.metadata) if score.metadata else None,
        )
        connection.execute(_INSERT_SCORE, values)


def _kept_answer(connection: sqlite3.Connection, attempt: int, row: ScoreRow) -> str | bytes | None:
    """A long one that is the whole text of its choice is not stored a second time."""
    answer = row.score.answer
    if answer is not None and len(answer) >= texts.LONG:
        query = "SELECT result FROM attempts WHERE seq = ? AND outcome IN (?, ?)"
        found = connection.execute(query, (attempt, _RESPONSE, _CACHED)).fetchone()
        if found is not None and answer == _said(found[0], row.choice):
            return _WHOLE
    return texts.pack(answer)


def _said(result: str | bytes, choice: int) -> str | None:
    return _text_of(from_text(Response, texts.unpack(result) or ""), choice)


def _text_of(result: Response | Failure, choice: int) -> str | None:
    choices = result.choices if isinstance(result, Response) else ()
    return next((each.text for each in choices if each.index == choice), None)


def _final_attempt(connection: sqlite3.Connection, cell_id: str) -> int:
    query = "SELECT max(f.attempt) FROM cells c JOIN finals f ON f.cell = c.number WHERE c.id = ?"
    found: int | None = connection.execute(query, (cell_id,)).fetchone()[0]
    if found is None:
        raise StoreError(f"cell {cell_id} has no final attempt in this run, so it has no score")
    return found


def _cell_number(connection: sqlite3.Connection, cell_id: str) -> int:
    row = connection.execute("SELECT number FROM cells WHERE id = ?", (cell_id,)).fetchone()
    if row is None:
        raise StoreError(f"cell {cell_id} has no attempt in this run")
    number: int = row[0]
    return number


_LARGEST_LIMIT = 1e15


def read_score(cell_id: str, row: tuple[Any, ...]) -> ScoreRow:
    """``row`` has SCORE_COLUMNS, and the attempt's result where the answer is its whole text."""
    choice, rule, scorer, value, answer, explanation, metadata, result = row
    if result is not None:
        answer = _said(result, choice)
    known = _checked_metadata(choice, value, metadata)
    score = Score(intern(scorer), value, texts.unpack(answer), texts.unpack(explanation), known)
    return ScoreRow(cell_id, choice, intern(rule), score)


def read_score_of(record: Record, row: tuple[Any, ...]) -> ScoreRow:
    """``row`` has SCORE_COLUMNS. An answer that is the whole text is the record's own string."""
    choice, rule, scorer, value, kept, explanation, metadata = row
    known = _checked_metadata(choice, value, metadata)
    answer = _text_of(record.result, choice) if kept == _WHOLE else texts.unpack(kept)
    score = Score(intern(scorer), value, answer, texts.unpack(explanation), known)
    return ScoreRow(record.cell.id, choice, intern(rule), score)


def _checked_metadata(choice: Any, value: Any, metadata: Any) -> dict[str, Any]:
    """The metadata of a score whose place and value are what they should be."""
    if type(choice) is not int or not (value is None or 0 <= value <= 1):
        raise ValueError(f"{value!r} of choice {choice!r} is no score")
    known = from_text(dict[str, Any], metadata) if metadata else {}
    if type(known) is not dict:
        raise TypeError("its metadata are no mapping")
    return known


def insert_limit_change(connection: sqlite3.Connection, change: LimitChange) -> None:
    connection.execute(
        "INSERT INTO limit_changes (at, provider, kind, level, used, why) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (change.at, change.provider, change.kind, change.level, change.used, change.why),
    )


def read_limit_change(row: tuple[Any, ...]) -> LimitChange:
    """Raises ValueError, TypeError: It is none; the file may be anybody's."""
    at, provider, kind, level, used, why = row
    change = LimitChange(float(at), str(provider), str(kind), float(level), float(used), str(why))
    if not all(abs(value) < _LARGEST_LIMIT for value in (change.at, change.level, change.used)):
        raise ValueError("a limit of no size that any account has")
    return change


def insert_phase(connection: sqlite3.Connection, phase: Phase) -> None:
    values = (
        phase.number,
        phase.repeat,
        phase.load,
        phase.begin_ns,
        phase.steady_ns,
        phase.end_ns,
        phase.drained_ns,
        to_text([dump(health) for health in phase.health]),
    )
    statement = f"INSERT INTO phases ({PHASE_COLUMNS}) VALUES ({', '.join('?' * 8)})"  # noqa: S608  -- names and marks of this module only
    connection.execute(statement, values)


def read_phases(found: sqlite3.Cursor) -> tuple[Phase, ...]:
    """Rows of PHASE_COLUMNS. Raises ValueError: they are none that anybody could have run."""
    kept = found.fetchmany(_MOST_PHASES + 1)
    if len(kept) > _MOST_PHASES:
        raise ValueError(f"there are more than {_MOST_PHASES:,}")
    return tuple(map(_read_phase, kept))


def _read_phase(row: tuple[Any, ...]) -> Phase:
    number, repeat, load, *moments, health = row
    if any(type(value) is not int for value in (number, repeat, *moments)):
        raise ValueError("a number is none")
    if type(load) not in (int, float) or not 0 < load < math.inf:
        raise ValueError(f"{load!r} is no load")
    if [0, *moments] != sorted([0, *moments]) or moments[-1] >= _LATEST_NS:
        raise ValueError("a moment lies before an earlier one, or beyond all time")
    kept = from_text(tuple[Health, ...], health)
    if not all(map(_is_sound, kept)):
        raise ValueError("how the client fared is not in numbers")
    begin, steady, end, drained = moments
    return Phase(number, repeat, load, begin, steady, end, drained, kept)


def _is_sound(health: Health) -> bool:
    spent = (health.cpu_s, health.wall_s)
    return (
        all(type(lag) is int and abs(lag) < _LATEST_NS for lag in health.lags_us)
        and all(type(value) in (int, float) and 0 <= value < math.inf for value in spent)
        and isinstance(health.transport, str)
    )


def insert_counts(connection: sqlite3.Connection, counts: Iterable[TokenCount]) -> None:
    statement = "INSERT INTO token_counts (cell, input, output, reasoning) VALUES (?, ?, ?, ?)"
    for count in counts:
        number = _cell_number(connection, count.cell_id)
        values = (number, count.input_tokens, count.output_tokens, count.reasoning_tokens)
        connection.execute(statement, values)


def write_rules(rules: tuple[ScoringRule, ...]) -> str:
    return to_text([dump(rule) for rule in rules])


def read_rules(text: str) -> tuple[ScoringRule, ...]:
    return from_text(tuple[ScoringRule, ...], text)


def read_attempt(row: tuple[Any, ...]) -> Attempt:
    """``row`` has the columns of :func:`attempt_columns`."""
    number, turn, started_at, started_ns, ended_ns, outcome, url, body, result, blob = row
    if not type(number) is type(turn) is type(started_ns) is type(ended_ns) is int:
        raise TypeError("a number of the attempt is none")
    if type(started_at) is not float or not 0 <= started_at < LATEST_S or type(url) is not str:
        raise TypeError("the attempt's time or address is none")
    text = texts.unpack(result) or ""
    slim: Response | Failure = (
        from_text(Response, text) if outcome in (_RESPONSE, _CACHED) else from_text(Failure, text)
    )
    if blob is not None:
        slim = _with_timelines(slim, list(chunks.unpack(blob, len(_timings(slim)))))
    return Attempt(
        number=number,
        started_at=started_at,
        started_ns=started_ns,
        ended_ns=ended_ns,
        exchange=Exchange(url, texts.unpack(body) or "", slim, from_cache=outcome == _CACHED),
        turn=turn,
    )


def _attempt_values(attempt: Attempt) -> tuple[Any, ...]:
    result = attempt.exchange.result
    timelines = [timing.chunks for timing in _timings(result)]
    slim = _with_timelines(result, [()] * len(timelines)) if any(timelines) else result
    return (
        attempt.number,
        attempt.turn,
        attempt.started_at,
        attempt.started_ns,
        attempt.ended_ns,
        _outcome(attempt.exchange),
        attempt.exchange.url,
        texts.pack(attempt.exchange.body),
        texts.pack(to_text(slim)),
        chunks.pack(timelines),
    )


def _outcome(exchange: Exchange) -> str:
    if isinstance(exchange.result, Failure):
        return exchange.result.kind.value
    return _CACHED if exchange.from_cache else _RESPONSE


def _timings(result: Response | Failure) -> list[Timing]:
    if isinstance(result, Response):
        return [result.timing]
    own = [] if result.timing is None else [result.timing]
    return own + ([] if result.partial is None else [result.partial.timing])


def _with_timelines(
    result: Response | Failure, timelines: list[chunks.Timeline]
) -> Response | Failure:
    """``result`` with other chunks, in the order of :func:`_timings`."""
    if isinstance(result, Response):
        return replace(result, timing=replace(result.timing, chunks=timelines[0]))
    rest = list(timelines)
    timing = None if result.timing is None else replace(result.timing, chunks=rest.pop(0))
    partial = result.partial
    if partial is not None:
        partial = replace(partial, timing=replace(partial.timing, chunks=rest.pop(0)))
    return replace(result, timing=timing, partial=partial)
