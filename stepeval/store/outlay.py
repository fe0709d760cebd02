"""What a stored run has used so far: every attempt's usage, and how long it ran."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stepeval.core.chat import Failure, FailureKind, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.outlay import Used
from stepeval.core.task import Cell, Suite
from stepeval.store import opening, texts
from stepeval.store.codec import from_text
from stepeval.store.reader import RunEvent

_RESPONSE = "response"
_NEVER = Timing(None, None, None, None)
_SESSIONS = """SELECT at, lead(at) OVER (ORDER BY number) FROM events
    WHERE kind IN (?, ?, ?) ORDER BY number"""
_LAST_END = """SELECT max(started_at + (ended_ns - started_ns) / 1e9) FROM attempts
    WHERE started_at >= ? AND started_at < ?"""

# total() and not sum(), which fails where a server's counts are beyond 64 bits together.
_SUMS = """SELECT c.arm, count(*), total(u.input), total(u.output), total(u.cached),
    total(u.output > 0), max(u.output)
    FROM usages u JOIN cells c ON c.number = u.cell GROUP BY c.arm"""


@dataclass(frozen=True, slots=True)
class _Partial:
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Slim:
    """What matters here of a stored result; a Response is read in a tenth of its time so."""

    usage: Usage | None = None
    partial: _Partial | None = None


def stored_attempts(path: Path, suite: Suite) -> Iterator[tuple[Cell, Response | Failure]]:
    """Every attempt that was sent and is not in :func:`stored_sums`: it did not say what it used,
    or an older version wrote it. Without texts and times: usage, a failure's kind.

    Raises:
        StoreError: It cannot be read.
    """
    file = opening.database(path)
    arms = {arm.name: arm for arm in suite.every_arm}
    samples = {sample.key: sample for sample in suite.samples}
    query = """SELECT c.id, c.arm, c.sample, c.epoch, a.outcome, a.result
        FROM attempts a CROSS JOIN cells c ON c.number = a.cell
        WHERE a.outcome <> 'cached' AND a.seq NOT IN (SELECT attempt FROM usages)"""
    with closing(opening.open_to_read(file)) as connection:
        try:
            for cell_id, arm, sample, epoch, outcome, text in connection.execute(query):
                cell = Cell(cell_id, arms[arm], samples[sample], epoch)
                yield cell, _result(outcome, from_text(_Slim, texts.unpack(text) or ""))
        except (sqlite3.Error, ValueError, LookupError, TypeError, zlib.error) as error:
            raise StoreError(f"{file}: its attempts cannot be read: {error!r}") from error


def stored_sums(path: Path) -> Mapping[str, Used]:
    """By arm, what the attempts that say it have used.

    Raises:
        StoreError: It cannot be read.
    """
    file = opening.database(path)
    with closing(opening.open_to_read(file)) as connection:
        try:
            found = connection.execute(_SUMS).fetchall()
            return {arm: Used(*(max(0, int(each)) for each in sums)) for arm, *sums in found}
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise StoreError(f"{file}: its usage cannot be read: {error!r}") from error


def _result(outcome: str, slim: _Slim) -> Response | Failure:
    if outcome == _RESPONSE:
        return _response(slim.usage or Usage())
    partial = None if slim.partial is None else _response(slim.partial.usage)
    return Failure(FailureKind(outcome), "", partial=partial)


def _response(usage: Usage) -> Response:
    return Response(None, None, (), usage, _NEVER)


def stored_requests(path: Path) -> int:
    """Attempts so far, but for those that the response cache answered."""
    query = "SELECT count(*) FROM attempts WHERE outcome <> 'cached'"
    with closing(opening.open_to_read(opening.database(path))) as connection:
        count: int = connection.execute(query).fetchone()[0]
        return count


def stored_seconds(path: Path) -> float:
    """For how long its sessions ran, each from its start to the end of its last attempt.

    A session may have ended without a word, so its last attempt is all that is sure.
    """
    total = 0.0
    with closing(opening.open_to_read(opening.database(path))) as connection:
        kinds = tuple(e.value for e in (RunEvent.STARTED, RunEvent.RESUMED, RunEvent.RETRIED))
        for begin, after in connection.execute(_SESSIONS, kinds).fetchall():
            until = float("inf") if after is None else after
            (end,) = connection.execute(_LAST_END, (begin, until)).fetchone()
            total += 0.0 if end is None else max(0.0, end - begin)
    return total
