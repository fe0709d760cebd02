"""How a run's file is made and opened."""

import os
import sqlite3
from pathlib import Path

from stepeval.core.errors import StoreError
from stepeval.store import migration, schema

_PAGE_SIZE = 4096  # measured, see docs/durability.md: larger ones are slower and save nothing
_BUSY_S = 10.0


def database(path: Path) -> Path:
    """``path`` is a run's directory or the file in it."""
    return path / schema.DATABASE if path.is_dir() else path


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
    for statement in schema.TABLES.split(";"):
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
        migration.upgrade(connection)
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
        migration.read_as_current(connection)
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError: the file is no run, or one that a newer stepeval wrote."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = schema.version(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        raise StoreError(f"{path}: holds no run, its creation was cut short; delete its folder")
    if application != schema.APPLICATION_ID:
        raise StoreError(f"{path}: is no stepeval run but another program's database")
    if found > schema.VERSION:
        raise StoreError(
            f"{path}: was written by a newer stepeval (format {found}, this one reads up to "
            f"{schema.VERSION}); upgrade stepeval"
        )
    flaw = schema.flaw(connection)
    if flaw is not None:
        raise StoreError(f"{path}: this is no whole run ({flaw})")
