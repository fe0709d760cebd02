"""The tables of a run's file."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import cache

DATABASE = "run.db"
LOCK = "run.lock"

APPLICATION_ID = 0x73746570  # "step": what file(1) and PRAGMA application_id show
VERSION = 2

PHASES = """
CREATE TABLE phases (
  number INTEGER NOT NULL,
  repeat INTEGER NOT NULL,
  load REAL NOT NULL,
  begin_ns INTEGER NOT NULL,
  steady_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  drained_ns INTEGER NOT NULL,
  health TEXT NOT NULL,
  PRIMARY KEY (number, repeat)
)"""
COUNTED = """
CREATE TABLE token_counts (
  cell INTEGER PRIMARY KEY REFERENCES cells (number),
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL
)"""
# A cell that was asked again has several; the one of the latest attempt counts.
FINALS = """
CREATE TABLE finals (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (seq),
  cell INTEGER NOT NULL REFERENCES cells (number)
)"""
FINALS_BY_CELL = "CREATE INDEX finals_by_cell ON finals (cell)"
SCORES = """
CREATE TABLE scores (
  scoring INTEGER NOT NULL REFERENCES scorings (number),
  attempt INTEGER NOT NULL REFERENCES finals (attempt),
  choice INTEGER NOT NULL,
  rule TEXT NOT NULL,
  scorer TEXT NOT NULL,
  value REAL,
  answer TEXT,
  explanation TEXT,
  metadata TEXT,
  PRIMARY KEY (scoring, attempt, choice, rule)
)"""

LIMIT_CHANGES = """
CREATE TABLE limit_changes (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,
  level REAL NOT NULL,
  used REAL NOT NULL,
  why TEXT NOT NULL
)"""
# What answers say they used, so that a sum need not read them; none where they do not say.
USAGES = """
CREATE TABLE IF NOT EXISTS usages (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (seq),
  cell INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL
)"""

# What a run is gated against, as its file was, and each look at it so far.
BASELINES = """
CREATE TABLE baselines (
  number INTEGER PRIMARY KEY,
  content TEXT NOT NULL
)"""
LOOKS = """
CREATE TABLE looks (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  look TEXT NOT NULL
)"""

TABLES = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cells INTEGER NOT NULL,
  info TEXT NOT NULL,
  suite TEXT NOT NULL
);
CREATE TABLE events (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT
);
CREATE TABLE cells (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  arm TEXT NOT NULL,
  sample TEXT NOT NULL,
  epoch INTEGER NOT NULL
);
CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY,
  cell INTEGER NOT NULL REFERENCES cells (number),
  number INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  started_at REAL NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  url TEXT NOT NULL,
  body TEXT NOT NULL,
  result TEXT NOT NULL,
  chunks BLOB
);
CREATE INDEX attempts_by_cell ON attempts (cell);
CREATE TABLE scorings (
  number INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  rules TEXT NOT NULL
);
{FINALS};
{FINALS_BY_CELL};
{SCORES};
{PHASES};
{COUNTED};
{LIMIT_CHANGES};
{BASELINES};
{LOOKS};
{USAGES};
"""


def version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


_LATER = frozenset(
    {"phases", "token_counts", "limit_changes", "baselines", "looks"}
)  # than version 1
_NEWER = frozenset({"usages"})  # than some files of this version, in which it is not needed
_IS_MORE = "type NOT IN ('table', 'index') OR coalesce(rootpage, 0) = 0"


def flaw(connection: sqlite3.Connection) -> str | None:
    """What keeps the file from being a run: a table that is missing or not this package's, or
    anything that computes (a view, a trigger, a virtual table), which a stranger may have put in.
    """
    query = f"SELECT name FROM main.sqlite_master WHERE {_IS_MORE}"  # noqa: S608  -- a condition of this module only
    more = connection.execute(query).fetchone()
    if more is not None:
        return f"{more[0]!r} is no table of a run"
    found, is_old = _columns(connection), version(connection) < VERSION
    for name, columns in _wanted().items():
        if name not in found and name not in _NEWER and not (is_old and name in _LATER):
            return f"the table {name!r} is missing"
        if name in found and found[name] != columns and not (is_old and name == "scores"):
            return f"the table {name!r} has other columns"
    return None


@cache
def _wanted() -> Mapping[str, tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in TABLES.split(";"):
            connection.execute(statement)
        return _columns(connection)


def _columns(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Of each table, computed ones included."""
    tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
    query = "SELECT name FROM pragma_table_xinfo(?, 'main') ORDER BY cid"
    return {
        name: tuple(column for (column,) in connection.execute(query, (name,)))
        for (name,) in tables.fetchall()
    }
