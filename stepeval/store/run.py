"""A run on disk: one directory, one SQLite file, one writing process. Rows are only ever added."""

import os
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stepeval.core.baseline import Baseline
from stepeval.core.chat import JsonObject
from stepeval.core.errors import StoreError
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Attempt, RunInfo, ScoreRow, TokenCount
from stepeval.core.task import Budget, Cell, ScoringRule, Suite
from stepeval.store import opening, rows, schema
from stepeval.store.baseline import render_baseline
from stepeval.store.codec import to_text
from stepeval.store.lock import WriterLock
from stepeval.store.reader import RunEvent, RunReader
from stepeval.store.writer import GroupCommit

__all__ = ["RunEvent", "RunReader", "RunStore", "Scoring", "create_run", "open_run"]


@dataclass(frozen=True, slots=True)
class Scoring:
    """One pass of rules over a record, made by :meth:`RunStore.new_scoring`.

    ``created_at`` is seconds since 1970.
    """

    number: int
    rules: tuple[ScoringRule, ...]
    created_at: float


def create_run(
    root: Path, info: RunInfo, suite: Suite, baseline: Baseline | None = None
) -> "RunStore":
    """A new directory ``root / info.id``, readable by its owner alone. ``baseline``: what the run
    is gated against.

    Raises:
        StoreError: It is there already, or cannot be made.
    """
    directory = root / info.id
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
        directory.chmod(0o700)
    except FileExistsError:
        raise StoreError(f"{directory}: is there already; a run is never overwritten") from None
    except OSError as error:
        raise StoreError(f"{directory}: cannot be made: {error.strerror}") from error
    try:
        return _fill(directory, info, suite, missing, baseline)
    except (sqlite3.Error, OSError, StoreError) as error:
        shutil.rmtree(directory, ignore_errors=True)  # nothing is in it, and half a run is none
        raise StoreError(f"{directory}: cannot be made: {error}") from error


def _fill(
    directory: Path,
    info: RunInfo,
    suite: Suite,
    missing: list[Path],
    baseline: Baseline | None,
) -> "RunStore":
    """``missing``: the folders above ``directory`` that were made for it."""
    lock = WriterLock(directory / schema.LOCK)
    path = directory / schema.DATABASE
    try:
        connection = opening.create(path)
        connection.execute(
            "INSERT INTO run VALUES (1, ?, ?, ?)",
            (suite.cell_count, to_text(info), to_text(suite)),
        )
        _add_event(connection, RunEvent.STARTED, info.created_at, None)
        _add_scoring(connection, suite.scoring, info.created_at)
        if baseline is not None:
            content = render_baseline(baseline)
            connection.execute("INSERT INTO baselines (content) VALUES (?)", (content,))
        connection.execute("COMMIT")
        for folder in (directory, *missing):
            _flush_directory(folder.parent)
    except (sqlite3.Error, OSError):
        lock.release()
        raise
    return RunStore(path, connection, lock, suite)


def open_run(path: Path) -> "RunStore":
    """The stored run in this directory (or file), to add to it.

    Raises:
        StoreError: Another process is writing it, or it is damaged, too new, or read-only.
    """
    file = opening.database(path)
    if not file.is_file():
        raise StoreError(f"{path}: no run is stored here")
    lock = WriterLock(file.with_name(schema.LOCK))
    try:
        connection = opening.open_to_write(file)
    except StoreError:
        lock.release()
        raise
    return RunStore(file, connection, lock)


class RunStore:
    """A run open for writing. Close it, or use it in a ``with`` statement.

    Every writing method returns when its commit has returned (``synchronous=FULL``) and raises
    StoreError when the file cannot be written; what was there before is then intact.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: WriterLock,
        suite: Suite | None = None,
    ) -> None:
        """``suite``: what the file holds, for readers that need not load it once more."""
        self.path = path
        self._suite = suite
        self._lock = lock
        self._writer = GroupCommit(connection, path)
        self._closed = False
        self._reopened: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._writer.close()
            self._lock.release()

    def reader(self) -> RunReader:
        return RunReader(self.path, self._suite)

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        """Returns when it is on disk. ``final``: the cell's record ends with this attempt.

        A cancelled call is written all the same: the answer was paid for.

        Raises:
            StoreError: It cannot be written, or the cell has its final attempt already.
        """
        again = cell.id in self._reopened

        def work(connection: sqlite3.Connection) -> None:
            rows.insert_attempt(connection, cell, attempt, final=final, again=again)

        await self._writer.perform(work)
        if final:
            self._reopened.discard(cell.id)

    def reopen(self, cell_ids: Iterable[str]) -> None:
        """Lets each of these cells have one more final attempt while this store is open.

        The earlier one counts until then, and stays in the file for ever.
        """
        self._reopened.update(cell_ids)

    def done_cells(self) -> set[str]:
        """Ids of the cells with a final result: those a resumed run does not send again."""
        query = "SELECT DISTINCT c.id FROM finals f JOIN cells c ON c.number = f.cell"
        return {row[0] for row in self._all(query)}

    def new_scoring(self, rules: Iterable[ScoringRule], created_at: float) -> Scoring:
        """Opens the next numbered scoring; those before it stay as they are."""
        kept = tuple(rules)
        number = self._writer.submit(lambda c: _add_scoring(c, kept, created_at)).result()
        return Scoring(number, kept, created_at)

    def scoring(self) -> Scoring:
        """The latest one. A new run has one with the suite's rules."""
        ((number, created_at, text),) = self._all(
            "SELECT number, created_at, rules FROM scorings ORDER BY number DESC LIMIT 1"
        )
        return Scoring(number, rows.read_rules(text), created_at)

    def add_scores(self, scores: Iterable[ScoreRow], scoring: Scoring) -> None:
        """All of ``scores`` in one transaction, under ``scoring``.

        Raises:
            StoreError: A cell has no final attempt, or its answer this rule's score already;
                nothing is stored.
        """
        kept = tuple(scores)
        self._writer.submit(lambda c: rows.insert_scores(c, kept, scoring.number)).result()

    def scored_cells(self, scoring: Scoring | None = None) -> set[str]:
        """Ids of the cells whose answer has a score in ``scoring``, by default the latest.

        Of a cell that was asked again, the latest answer.
        """
        query = f"""SELECT DISTINCT c.id FROM scores s CROSS JOIN finals f ON f.attempt = s.attempt
            CROSS JOIN cells c ON c.number = f.cell
            WHERE s.scoring = coalesce(?, (SELECT max(number) FROM scorings)) AND {rows.COUNTS}"""  # noqa: S608  -- a condition of this package only
        return {row[0] for row in self._all(query, scoring.number if scoring else None)}

    def add_phase(self, phase: Phase) -> None:
        """One of a load benchmark's loads, once it has drained.

        Raises:
            StoreError: Its number and repeat are there already.
        """
        self._writer.submit(lambda c: rows.insert_phase(c, phase)).result()

    def add_counts(self, counts: Iterable[TokenCount]) -> None:
        """All of them in one transaction; ``RunInfo.load.vocabulary`` says who counted.

        Raises:
            StoreError: A cell is unknown, or counted already; nothing is stored.
        """
        kept = tuple(counts)
        self._writer.submit(lambda c: rows.insert_counts(c, kept)).result()

    def add_limit_change(self, change: LimitChange) -> None:
        """Does not wait for the disk: what is lost with the process is a line of a chart."""
        self._writer.submit(lambda c: rows.insert_limit_change(c, change))

    def add_look(self, number: int, at: float, look: JsonObject) -> None:
        """One look of the procedure that decides when the run stops. ``at``: seconds since 1970.

        Raises:
            StoreError: It is there already.
        """
        statement = "INSERT INTO looks VALUES (?, ?, ?)"
        values = (number, at, to_text(dict(look)))
        self._writer.submit(lambda c: c.execute(statement, values).lastrowid).result()

    def note(self, event: RunEvent, at: float, reason: str | None = None) -> None:
        """Adds to the run's history. ``at`` is seconds since 1970."""
        self._writer.submit(lambda c: _add_event(c, event, at, reason)).result()

    def keep_budget(self, budget: Budget, at: float) -> None:
        """In place of the one before, for this session and those that resume it."""
        self.note(RunEvent.BUDGET, at, to_text(budget))

    def finish(self, status: RunEvent, ended_at: float, reason: str | None = None) -> None:
        """Notes how this session ended: COMPLETED, or STOPPED with the reason."""
        self.note(status, ended_at, reason)

    def _all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._writer.submit(lambda c: c.execute(query, values).fetchall()).result()


def _add_event(
    connection: sqlite3.Connection, event: RunEvent, at: float, reason: str | None
) -> None:
    connection.execute(
        "INSERT INTO events (at, kind, reason) VALUES (?, ?, ?)", (at, event.value, reason)
    )


def _add_scoring(
    connection: sqlite3.Connection, rules: tuple[ScoringRule, ...], created_at: float
) -> int:
    statement = "INSERT INTO scorings (created_at, rules) VALUES (?, ?)"
    number = connection.execute(statement, (created_at, rows.write_rules(rules))).lastrowid
    assert number is not None
    return number


def _flush_directory(path: Path) -> None:
    """So that a power loss does not take the new run's directory entry."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
