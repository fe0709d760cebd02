"""A run that the first released format holds is read as it is, and brought up to date to write.

``fixtures/version-1.db`` was written by the code of that time: 6 cells, 9 attempts, some of them
failed, 2 scorings.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepeval.core.errors import StoreError
from stepeval.core.load import Phase
from stepeval.core.record import Record, ScoreRow
from stepeval.store import migration, opening, schema
from stepeval.store.run import RunReader, open_run

FIXTURE = Path(__file__).with_name("fixtures") / "version-1.db"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    shutil.copy(FIXTURE, tmp_path / "run" / "run.db")
    yield tmp_path / "run"
    with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def content(path: Path) -> tuple[list[Record], list[ScoreRow], tuple[Phase, ...]]:
    reader = RunReader(path)
    assert list(reader.token_counts()) == []
    return list(reader.records()), list(reader.scores()), reader.phases()


def format_of(path: Path) -> int:
    with closing(sqlite3.connect(path / "run.db")) as connection:
        return schema.version(connection)


def test_an_old_run_is_read_without_being_changed(old: Path) -> None:
    before = (old / "run.db").read_bytes()
    records, scores, phases = content(old)
    status = RunReader(old).status()
    assert (len(records), len(scores), phases) == (6, 5, ())
    assert sum(len(record.attempts) for record in records) == 9
    assert (status.state, status.finals, status.attempts, status.scored) == ("complete", 6, 9, 5)
    assert (old / "run.db").read_bytes() == before


def test_an_old_run_has_the_same_content_once_it_is_brought_up_to_date(old: Path) -> None:
    before = content(old)
    with open_run(old) as store:
        done = store.done_cells()
        assert store.scored_cells() == {row.cell_id for row in before[1]}
        assert format_of(old) == schema.VERSION
    assert content(old) == before
    assert done == {record.cell.id for record in before[0]}
    with closing(sqlite3.connect(old / "run.db")) as connection:
        kept = connection.execute("SELECT scoring, count(*) FROM scores GROUP BY 1").fetchall()
    assert kept == [(1, 5), (2, 5)]


def test_an_upgraded_file_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    open_run(old).close()
    with closing(opening.create(tmp_path / "new.db")) as new:
        wanted = tables(new)
    with closing(sqlite3.connect(old / "run.db")) as connection:
        assert tables(connection) == wanted


def tables(connection: sqlite3.Connection) -> dict[str, str]:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: sql.replace('"', "") for name, sql in found}


def test_an_upgrade_cut_short_leaves_the_file_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the statement that fails: it is one transaction."""
    before = content(old)
    for count in range(1, len(migration._TO_2)):
        monkeypatch.setattr(migration, "_TO_2", (*migration._TO_2[:count], "no statement"))
        with pytest.raises(StoreError, match="cannot be opened for writing"):
            open_run(old)
        monkeypatch.undo()
        assert format_of(old) == 1
        assert content(old) == before
