"""What every proof here looks at afterwards."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from stepeval.store.run import open_run


def writer(folder: Path, cells: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.writer", str(folder), str(cells), *options]


def check(folder: Path, acknowledged: set[str]) -> None:
    """The run in ``folder`` is whole, holds these cells, and each of its cells once."""
    with closing(sqlite3.connect(folder / "run" / "run.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        twice = "SELECT cell FROM finals GROUP BY cell HAVING count(*) > 1"
        assert connection.execute(twice).fetchall() == []
    with open_run(folder / "run") as store:
        assert acknowledged <= store.done_cells()
