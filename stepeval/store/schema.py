"""The run's file: its tables, and how it is opened."""

import os
import sqlite3
from pathlib import Path

from stepeval.core.errors import StoreError

DATABASE = "run.db"
LOCK = "run.lock"

APPLICATION_ID = 0x73746570  # "step": what file(1) and PRAGMA application_id show
VERSION = 2
_PAGE_SIZE = 4096  # measured on attempts of 5 KB: 5.1 KB a row, with 8192 it is 8.5, with 16384 5.8
_BUSY_S = 10.0

# What version 2 added: a file of version 1 is given it when it is next opened to write.
_PHASES = """
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
_COUNTS = """
CREATE TABLE token_counts (
  cell INTEGER PRIMARY KEY REFERENCES cells (number),
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL
)"""

_LIMITS = """
CREATE TABLE limit_changes (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,
  level REAL NOT NULL,
  used REAL NOT NULL,
  why TEXT NOT NULL
)"""

_TABLES = f"""
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
CREATE TABLE finals (
  attempt INTEGER PRIMARY KEY REFERENCES attempts (seq),
  cell INTEGER NOT NULL UNIQUE REFERENCES cells (number)
);
CREATE TABLE scorings (
  number INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  rules TEXT NOT NULL
);
CREATE TABLE scores (
  scoring INTEGER NOT NULL REFERENCES scorings (number),
  cell INTEGER NOT NULL REFERENCES cells (number),
  choice INTEGER NOT NULL,
  rule TEXT NOT NULL,
  scorer TEXT NOT NULL,
  value REAL,
  answer TEXT,
  explanation TEXT,
  metadata TEXT,
  PRIMARY KEY (scoring, cell, choice, rule)
) WITHOUT ROWID;
{_PHASES};
{_COUNTS};
{_LIMITS};
"""


def database(path: Path) -> Path:
    """``path`` is a run's directory or the file in it."""
    return path / DATABASE if path.is_dir() else path


def create(path: Path) -> sqlite3.Connection:
    """A new file, for its owner only, with an open transaction that the run's row goes into.

    SQLite gives its -wal and -shm files the mode of the database.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    os.fchmod(file, 0o600)
    os.close(file)
    connection = sqlite3.connect(path, _BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
    _prepare(connection)
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    return connection


def open_to_write(path: Path) -> sqlite3.Connection:
    """Raises StoreError: not a run, of a newer version, damaged, or not writable."""
    if not path.is_file():
        raise StoreError(f"{path}: no run is stored here")
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, _BUSY_S, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        check_version(connection, path)
        _prepare(connection)
        _check_pages(connection, path)
        _upgrade(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be opened for writing: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(f"{path}: the file is damaged ({found}); restore it from a copy")


def _upgrade(connection: sqlite3.Connection) -> None:
    if version(connection) < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_PHASES)
        connection.execute(_COUNTS)
        connection.execute(_LIMITS)
        connection.execute(f"PRAGMA user_version = {VERSION}")  # part of the transaction
        connection.execute("COMMIT")


def version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a commit that returned survives power loss
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


def open_to_read(path: Path) -> sqlite3.Connection:
    """Reads beside an active writer, and on a medium where nothing can be written.

    Raises:
        StoreError: Not a run, of a newer version, or not readable.
    """
    if not path.is_file():
        raise StoreError(f"{path}: no run is stored here")
    uri = path.absolute().as_uri()
    try:
        return _read_only(f"{uri}?mode=ro", path)
    except sqlite3.OperationalError as error:
        # Without a -wal file there is nothing beside the database that could be missed.
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise StoreError(
                f"{path}: cannot be read where it is ({error}); copy its whole folder to a "
                "place you can write to"
            ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    try:
        return _read_only(f"{uri}?immutable=1", path)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _read_only(uri: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, _BUSY_S, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        check_version(connection, path)
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError: the file is no run, or one that a newer stepeval wrote."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = version(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        raise StoreError(f"{path}: holds no run, its creation was cut short; delete its folder")
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: is no stepeval run but another program's database")
    if found > VERSION:
        raise StoreError(
            f"{path}: was written by a newer stepeval (format {found}, this one reads up to "
            f"{VERSION}); upgrade stepeval"
        )
