"""A run's file that a stranger made, or that is broken, ends in a StoreError: one sentence."""

import json
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from test_store_run import CELLS, INFO, SUITE, add, score

from stepeval.analysis.export import write_jsonl
from stepeval.analysis.rows import sample_rows, score_rows
from stepeval.core.errors import RunNotFound, StoreError
from stepeval.store.run import RunReader, create_run, open_run
from stepeval.store.runs import RunsFolder

_TABLES = ("run", "events", "cells", "attempts", "scorings", "finals", "scores", "phases",
           "token_counts", "limit_changes")  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with create_run(tmp_path, INFO, SUITE) as store:
        add(store, *CELLS)
        store.add_scores([score(cell, 1.0) for cell in CELLS], store.scoring())
    return tmp_path / "run"


def damage(run: Path, *statements: str, values: tuple[Any, ...] = ()) -> None:
    with closing(sqlite3.connect(run / "run.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement, values)


def read_all(run: Path) -> None:
    reader = RunReader(run)
    reader.status()
    reader.phases()
    reader.limit_changes()
    list(reader.token_counts())
    with (run / "out").open("w", encoding="utf-8") as file:
        write_jsonl(sample_rows(reader), file)
        write_jsonl(score_rows(reader), file)


def refused(run: Path) -> None:
    with pytest.raises(StoreError) as error:
        read_all(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE {0}",),
        ("ALTER TABLE {0} RENAME TO z", "CREATE VIEW {0} AS SELECT * FROM z"),
        ("ALTER TABLE {0} ADD COLUMN g AS (length(zeroblob(1000000000)))",),
    ],
)
def test_a_table_that_is_none_is_refused_before_it_is_read(
    run: Path, table: str, statements: tuple[str, ...]
) -> None:
    """A view may be endless, and so may a computed column."""
    damage(run, *(statement.format(table) for statement in statements))
    refused(run)
    with pytest.raises(StoreError):
        open_run(run)


def test_a_trigger_is_not_run(run: Path) -> None:
    damage(run, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM attempts; END")
    refused(run)
    with pytest.raises(StoreError, match="'t' is no table of a run"):
        open_run(run)


@pytest.mark.parametrize("table", ["run", "events", "scorings"])
def test_an_empty_table_is_told(run: Path, table: str) -> None:
    damage(run, f"DELETE FROM {table}")
    refused(run)


def changed(run: Path, column: str, change: Callable[[Any], None]) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        data = json.loads(connection.execute(f"SELECT {column} FROM run").fetchone()[0])
    change(data)
    damage(run, f"UPDATE run SET {column} = ?", values=(json.dumps(data),))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created_at", "x"), ("created_at", None), ("created_at", 1e300), ("created_at", -1e18),
        ("mode", "EVIL"), ("suite_name", 7), ("load", 7), ("cassette", 5), ("versions", {"a": [1]}),
    ],
)  # fmt: skip
def test_a_description_of_other_types_is_told(run: Path, name: str, value: Any) -> None:
    changed(run, "info", lambda info: info.update({name: value}))
    refused(run)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", None), ("providers", []), ("samples", [7]), ("arms", [{}]), ("epochs", "x"),
        ("epochs", 10**12),
        ("limits", {"concurrency": "x"}), ("limits", {"concurrency": 10**9}), ("limits", []),
        ("prices", {"m": {"currency": 7, "input": "x", "cached": 1, "output": 1}}),
        ("providers", [{"name": "p", "base_url": "http://["}]),
        ("providers", [{"name": "p", "base_url": "https://h", "key_env": [7]}]),
    ],
)  # fmt: skip
def test_a_suite_that_is_none_is_told(run: Path, name: str, value: Any) -> None:
    changed(run, "suite", lambda suite: suite.update({name: value}))
    refused(run)


def test_nesting_without_end_is_told(run: Path) -> None:
    for table, column in (("attempts", "result"), ("run", "suite"), ("run", "info")):
        damage(run, f"UPDATE {table} SET {column} = ?", values=(" " + "[" * 100_000,))
        refused(run)


@pytest.mark.parametrize(
    "change",
    [
        "run SET cells = 'many'", "run SET cells = -5", "scores SET value = 7",
        "scores SET value = 'x'", "scores SET metadata = '7'", "scores SET answer = x'ff'",
        "attempts SET number = 'x'", "attempts SET started_at = 9e999", "attempts SET url = x'ff'",
        "attempts SET result = '[]'", "attempts SET chunks = x'305b375d'",
        "events SET kind = x'ff'",
        """attempts SET result = '{"choices": 7, "usage": {}}'""",
        """attempts SET result = replace(result, '"four"', '7')""",
        """attempts SET result = replace(result, '"input_tokens":3', '"input_tokens":"3"')""",
    ],
)  # fmt: skip
def test_values_of_other_types_are_told(run: Path, change: str) -> None:
    damage(run, f"UPDATE {change}")
    refused(run)


def test_a_bomb_for_an_answer_is_told(run: Path) -> None:
    packed = zlib.compress(b" " * 300_000_000, 1)
    damage(run, "UPDATE attempts SET result = ? WHERE seq = 1", values=(packed,))
    refused(run)


def test_a_link_to_itself_is_no_run(run: Path) -> None:
    named = run.with_name("20260101-000000-s-0a1b")
    run.rename(named)
    (named / "run.db").unlink()
    (named / "run.db").symlink_to("run.db")
    (listed,) = RunsFolder(named.parent).list()
    assert listed.problem is not None
    with pytest.raises(RunNotFound, match="leads nowhere"):
        RunsFolder(named.parent).path(named.name)
