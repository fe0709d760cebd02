"""Stored runs by name, listed and exported."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from stepeval.analysis.columns import ChunkRow, SampleRow, ScoreTableRow
from stepeval.analysis.export import write_csv, write_jsonl
from stepeval.analysis.rows import chunk_rows, sample_rows, score_rows
from stepeval.core.errors import UnknownName
from stepeval.core.ports import RecordReader
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder
from stepeval.store.runs import RunSummary as StoredRun

__all__ = ["TABLES", "StoredRun", "export", "list_runs", "locate"]

TABLES: Mapping[str, tuple[Callable[[RecordReader], Any], type]] = {
    "samples": (sample_rows, SampleRow),
    "scores": (score_rows, ScoreTableRow),
    "chunks": (chunk_rows, ChunkRow),
}


def locate(name: str, folder: Path) -> Path:
    """A run by its id, a prefix of it, ``latest`` or a path. Raises RunNotFound."""
    return RunsFolder(folder).find(name)


def list_runs(folder: Path) -> list[StoredRun]:
    """Newest first; one that cannot be read is listed with its problem."""
    return RunsFolder(folder).list()


def export(path: Path, file: TextIO, *, table: str, form: str, raw: bool) -> None:
    """Writes one of the tables of docs/data.md as ``csv`` or ``jsonl``.

    ``raw`` leaves out the quote mark that keeps a spreadsheet from running a cell as a formula.
    """
    if table not in TABLES:
        raise UnknownName("table", table, TABLES)
    read, row_type = TABLES[table]
    rows = read(RunReader(path))
    if form == "csv":
        write_csv(rows, file, raw=raw, row_type=row_type)
    else:
        write_jsonl(rows, file)
