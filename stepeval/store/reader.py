"""A stored run, read. Every call reads one consistent state, also while a process writes it."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stepeval.core.baseline import Baseline
from stepeval.core.chat import JsonObject
from stepeval.core.errors import StoreError
from stepeval.core.gate import SCORE, GatePlan
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Record, RunInfo, ScoreRow, TokenCount
from stepeval.core.task import Budget, Cell, Suite
from stepeval.store import opening, rows, schema
from stepeval.store.baseline import parse_baseline
from stepeval.store.checked_json import BadJson
from stepeval.store.codec import from_text
from stepeval.store.lock import is_locked

_BATCH = 200
_MOST_AT_ONCE = 1_000_000
_MOST_CELLS = 10_000_000  # as a suite file may ask for at most
_UNREADABLE = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
    sqlite3.Error, zlib.error,
)  # fmt: skip
_SCORED = """(SELECT 1 FROM scores s WHERE s.attempt = f.attempt
    AND s.scoring = (SELECT max(number) FROM scorings))"""
_BASELINE = "SELECT content FROM baselines ORDER BY number LIMIT 1"
_BUDGET = "SELECT reason FROM events WHERE kind = ? ORDER BY number DESC LIMIT 1"

# CROSS JOIN keeps the order of the tables as written: with another one SQLite would sort, which
# means to hold a run's every row before the first is given out.


def _scores_query(columns: str, more: str = "") -> str:
    """The cell's id and then ``columns``; ``more`` is joined to them.

    Without the ``+`` SQLite reasons that s.attempt must be large, too, and reads all those scores
    for each final.
    """
    return f"""SELECT c.id, {columns}
        FROM finals f CROSS JOIN cells c ON c.number = f.cell
        CROSS JOIN scores s ON s.attempt = +f.attempt {more}
        WHERE s.scoring = (SELECT max(number) FROM scorings) AND {rows.COUNTS}
        AND f.attempt > ? ORDER BY f.attempt, s.choice, s.rule"""  # noqa: S608  -- names and conditions of this package only


def _whole(suite: Suite) -> Suite:
    """Raises ValueError: it names what it does not have, or its numbers are none."""
    providers = {provider.name for provider in suite.providers}
    prompts = {prompt.id for prompt in suite.prompts}
    for arm in suite.every_arm:
        if arm.provider not in providers or arm.prompt not in prompts:
            raise ValueError(f"the arm {arm.name!r} has no provider or prompt")
    for provider in suite.providers:
        urlsplit(provider.base_url)
    if not 0 < suite.limits.concurrency <= _MOST_AT_ONCE or suite.limits.max_attempts < 1:
        raise ValueError("its limits are none that a run can have")
    if suite.cell_count > _MOST_CELLS:
        raise ValueError(f"it has {suite.cell_count:,} requests")
    return suite


def _check_plan(plan: GatePlan | None) -> None:
    """Raises ValueError: no run can be told to decide so."""
    if plan is None:
        return
    if not all(isinstance(margin, float | int) for margin in plan.margins.values()):
        raise ValueError("a margin that is no number")
    if plan.may_stop and not 0 < plan.margins.get(SCORE, 0.0) < 1:
        raise ValueError("a margin of the score that is none")


class RunEvent(StrEnum):
    STARTED = "started"
    RESUMED = "resumed"
    RETRIED = "retried"
    STOPPED = "stopped"
    COMPLETED = "completed"
    BUDGET = "budget"  # another one than before, which the reason holds


class RunState(StrEnum):
    COMPLETE = "complete"  # every cell has its final result; a load benchmark said it had ended
    RUNNING = "running"  # a process is writing it
    INCOMPLETE = "incomplete"  # stopped, or ended without a word; resumable


@dataclass(frozen=True, slots=True)
class RunStatus:
    """``finals`` of ``cells`` have their final result. ``last_event`` and ``reason`` are the
    newest entry of the run's history, ``last_at`` its time in seconds since 1970. ``skipped``
    cells were left out on purpose: there was nothing left to learn from them.
    """

    state: RunState
    cells: int
    finals: int
    attempts: int
    scored: int
    last_event: str
    last_at: float
    reason: str | None = None
    skipped: int = 0


class RunReader:
    """A :class:`stepeval.core.ports.RecordReader` over a run's directory or its file.

    ``suite`` is the stored one, where its writer has it at hand; a large one takes as much memory
    as all the rest. ``after``: an attempt; records that ended with it or earlier are passed over.

    Raises:
        StoreError: (from any method, too) No run is stored here, or it cannot be read.
    """

    def __init__(self, path: Path, suite: Suite | None = None, after: int = 0) -> None:
        self.path = opening.database(path)
        with self._reading("its description") as connection:
            info, cells = connection.execute("SELECT info, cells FROM run").fetchone()
            self._info = from_text(RunInfo, info)
            if type(cells) is not int or cells < 0:
                raise ValueError(f"{cells!r} cells")
            if not 0 <= self._info.created_at < rows.LATEST_S:
                raise ValueError(f"made {self._info.created_at!r} seconds after 1970")
            _check_plan(self._info.gate)
        self._cells: int = cells
        self._suite = suite
        self._after = after

    def beyond(self, attempt: int) -> "RunReader":
        """The same run without the records that ended with this attempt or an earlier one."""
        return RunReader(self.path, self._suite, attempt)

    def last_final(self) -> int:
        """What :meth:`beyond` takes to leave out all records there are now."""
        ((attempt,),) = self._rows("SELECT coalesce(max(attempt), 0) FROM finals")
        return int(attempt)

    def info(self) -> RunInfo:
        return self._info

    def suite(self) -> Suite:
        """The suite as it ran, with the rules of the latest scoring and the latest budget."""
        query = "SELECT rules FROM scorings ORDER BY number DESC LIMIT 1"
        with self._reading("its suite") as connection:
            if self._suite is None:
                text = connection.execute("SELECT suite FROM run").fetchone()[0]
                self._suite = _whole(from_text(Suite, text))
            scoring = connection.execute(query).fetchone()
            budget = connection.execute(_BUDGET, (RunEvent.BUDGET.value,)).fetchone()
            suite = replace(self._suite, scoring=rows.read_rules(scoring[0]))
            return suite if budget is None else replace(suite, budget=from_text(Budget, budget[0]))

    def records(self) -> Iterator[Record]:
        """Cells with a final result, in the order they were finished, from one snapshot.

        Attempts after the final that counts are not among them: asking again has not ended yet.
        """
        suite = self.suite()
        arms = {arm.name: arm for arm in suite.every_arm}
        samples = {sample.key: sample for sample in suite.samples}
        query = f"""SELECT c.id, c.arm, c.sample, c.epoch, {rows.attempt_columns("a")}
            FROM finals f CROSS JOIN cells c ON c.number = f.cell
            CROSS JOIN attempts a ON a.cell = f.cell AND a.seq <= f.attempt
            WHERE {rows.COUNTS} AND f.attempt > ? ORDER BY f.attempt, a.seq"""  # noqa: S608  -- column names of this package only
        found = self._rows(query, self._after)
        for (cell_id, arm, sample, epoch), group in groupby(found, lambda row: row[:4]):
            with self._decoding(f"the record of cell {cell_id}"):
                cell = Cell(cell_id, arms[arm], samples[sample], epoch)
                record = Record(cell, tuple(rows.read_attempt(row[4:]) for row in group))
            yield record

    def scores(self) -> Iterator[ScoreRow]:
        """The latest scoring's rows, grouped by cell, in the order of :meth:`records`."""
        columns = f"{rows.SCORE_COLUMNS}, {rows.WHOLE_RESULT}"
        whole = "CROSS JOIN attempts a ON a.seq = +f.attempt"
        for cell_id, *row in self._rows(_scores_query(columns, whole), self._after):
            with self._decoding(f"a score of cell {cell_id}"):
                score = rows.read_score(cell_id, tuple(row))
            yield score

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        """:meth:`records` with their :meth:`scores`, of which no answer is read a second time."""
        found = self._rows(_scores_query(rows.SCORE_COLUMNS), self._after)
        groups = groupby(found, key=itemgetter(0))
        waiting = next(groups, None)
        for record in self.records():
            own: tuple[ScoreRow, ...] = ()
            if waiting is not None and waiting[0] == record.cell.id:
                with self._decoding(f"a score of cell {record.cell.id}"):
                    own = tuple(rows.read_score_of(record, row[1:]) for row in waiting[1])
                waiting = next(groups, None)
            yield record, own

    def phases(self) -> tuple[Phase, ...]:
        """In the order they ran; none in an evaluation."""
        query = f"SELECT {rows.PHASE_COLUMNS} FROM phases ORDER BY begin_ns, number"  # noqa: S608  -- column names of this package only
        with self._reading("its phases") as connection:
            return rows.read_phases(connection.execute(query))

    def limit_changes(self) -> tuple[LimitChange, ...]:
        """In their order; none in a load benchmark, and in a file of version 1."""
        query = "SELECT at, provider, kind, level, used, why FROM limit_changes ORDER BY number"
        try:
            return tuple(rows.read_limit_change(row) for row in self._rows(query))
        except (ValueError, TypeError) as error:
            raise StoreError(f"{self.path}: its limits cannot be read: {error}") from error

    def looks(self) -> tuple[JsonObject, ...]:
        """Of the procedure that decides when the run stops, in their order; mostly none."""
        found = self._rows("SELECT look FROM looks ORDER BY number")
        with self._decoding("its looks"):
            return tuple(from_text(dict[str, Any], text) for (text,) in found)

    def baseline(self) -> Baseline | None:
        """What the run is gated against, as it was when the run began; mostly there is none."""
        try:
            found = [parse_baseline(text.encode("utf-8")) for (text,) in self._rows(_BASELINE)]
        except (BadJson, AttributeError, UnicodeEncodeError) as error:
            raise StoreError(f"{self.path}: its baseline cannot be read: {error}") from error
        return found[0] if found else None

    def token_counts(self) -> Iterator[TokenCount]:
        """What a vocabulary on this machine counted, where the server had told no usage; in the
        order of :meth:`records`.
        """
        query = f"""SELECT c.id, t.input, t.output, t.reasoning
            FROM finals f CROSS JOIN token_counts t ON t.cell = f.cell
            CROSS JOIN cells c ON c.number = f.cell WHERE {rows.COUNTS} ORDER BY f.attempt"""  # noqa: S608  -- a condition of this package only
        for row in self._rows(query):
            yield TokenCount(*row)

    def status(self) -> RunStatus:
        query = f"""SELECT (SELECT count(DISTINCT cell) FROM finals),
            (SELECT count(*) FROM attempts),
            (SELECT count(*) FROM finals f WHERE {rows.COUNTS} AND EXISTS {_SCORED}),
            kind, at, reason FROM events ORDER BY number DESC LIMIT 1"""  # noqa: S608  -- conditions of this package only
        with self._reading("its history") as connection:
            finals, attempts, scored, event, at, reason = connection.execute(query).fetchone()
            if not isinstance(event, str) or not isinstance(reason, str | None):
                raise TypeError("an event that has no name")
        finals -= self._beside_the_grid()
        state = RunState.INCOMPLETE
        if self._is_over(finals, event):
            state = RunState.COMPLETE
        elif is_locked(self.path.with_name(schema.LOCK)):
            state = RunState.RUNNING
        is_stopped = self._info.may_stop and state is RunState.COMPLETE
        skipped = self._cells - finals if is_stopped else 0
        return RunStatus(state, self._cells, finals, attempts, scored, event, at, reason, skipped)

    def _beside_the_grid(self) -> int:
        """Cells of arms that only a gate asks, with a final result."""
        if not self._info.may_stop:
            return 0
        names = [arm.name for arm in self.suite().asides]
        query = f"""SELECT count(DISTINCT f.cell) FROM finals f
            JOIN cells c ON c.number = f.cell WHERE c.arm IN ({", ".join("?" * len(names))})"""  # noqa: S608  -- marks only
        ((count,),) = self._rows(query, *names)
        return int(count)

    def _is_over(self, finals: int, event: str) -> bool:
        """How many requests a load or a gate makes, only its end can tell."""
        if self._info.load is not None or self._info.may_stop:
            return event == RunEvent.COMPLETED
        return finals >= self._cells

    def _rows(self, query: str, *values: int | str) -> Iterator[tuple[Any, ...]]:
        with closing(opening.open_to_read(self.path)) as connection:
            try:
                found = connection.execute(query, values)
                while batch := found.fetchmany(_BATCH):
                    yield from batch
            except sqlite3.Error as error:
                raise StoreError(f"{self.path}: cannot be read: {error}") from error

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        with closing(opening.open_to_read(self.path)) as connection, self._decoding(what):
            yield connection

    @contextmanager
    def _decoding(self, what: str) -> Iterator[None]:
        """Whatever a stranger's file may hold in the place of ``what``, it becomes a sentence."""
        try:
            yield
        except _UNREADABLE as error:
            raise StoreError(f"{self.path}: {what} cannot be read: {repr(error)[:300]}") from error
