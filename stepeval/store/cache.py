"""Answers kept for the next run: one SQLite file, read and written by any number of processes.

It is worth nothing but money and time, so whatever is wrong with it makes it silent, never wrong:
an answer is given out only under its whole key and with its own digest intact.
"""

import hashlib
import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stepeval.core.chat import Response, Timing
from stepeval.core.errors import StoreError
from stepeval.core.identity import content_id
from stepeval.core.record import Mode
from stepeval.store import chunks
from stepeval.store.codec import from_text, to_text
from stepeval.store.writer import GroupCommit

DATABASE = "responses.db"
_APPLICATION_ID = 0x73746361  # "stca"
_VERSION = 1
_BUSY_S = 5.0
_TRIES, _PAUSE_S = 50, 0.02
_UNTIMED = Timing(None, None, None, None)
_TABLE = """
CREATE TABLE IF NOT EXISTS responses (
  key TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  model TEXT NOT NULL,
  at REAL NOT NULL,
  response TEXT NOT NULL,
  chunks BLOB,
  digest BLOB NOT NULL
) WITHOUT ROWID"""
_INSERT = "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """All that an answer depends on. ``body`` is the request's, decoded; ``headers`` are those
    that the suite adds. ``mode``: what a simulator said is no answer of an API.
    """

    mode: Mode
    host: str
    path: str
    model: str
    headers: Mapping[str, str]
    body: Any
    epoch: int

    @property
    def digest(self) -> str:
        return content_id(
            self.mode.value,
            self.host,
            self.path,
            self.model,
            dict(self.headers),
            self.body,
            self.epoch,
        )


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """``oldest`` and ``newest`` are seconds since 1970; None where there is no answer."""

    path: Path
    answers: int
    size_bytes: int
    oldest: float | None
    newest: float | None
    models: Mapping[str, int]


class ResponseCache:
    """Open one, then ask and add; :attr:`trouble` says why it went silent, None while it works."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE
        self.trouble: str | None = None
        self._writer: GroupCommit | None = None
        self._reader: sqlite3.Connection | None = None
        try:
            _make(folder, self._path)
            self._reader = _connect(self._path)
            self._writer = GroupCommit(_connect(self._path), self._path)
        except (OSError, sqlite3.Error, _Unfit) as error:
            self._give_up(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._reader is not None:
            self._reader.close()

    def get(self, key: CacheKey) -> Response | None:
        """The answer with its chunks, but without times and quota: those were another run's."""
        if self._reader is None or self.trouble is not None:
            return None
        query = "SELECT response, chunks, digest FROM responses WHERE key = ?"
        try:
            row = self._reader.execute(query, (key.digest,)).fetchone()
        except (sqlite3.Error, ValueError) as error:  # ValueError: bytes that are no UTF-8
            self._give_up(error)
            return None
        return None if row is None else self._read(key.digest, row)

    def add(self, key: CacheKey, response: Response, at: float) -> None:
        """``at`` is seconds since 1970. Returns at once; what is there already stays."""
        if self._writer is None or self.trouble is not None:
            return
        slim = to_text(replace(response, timing=_UNTIMED, quota=None))
        packed = chunks.pack((response.timing.chunks,))
        name = key.digest
        row = (name, key.host, key.model, at, slim, packed, _seal(name, slim, packed))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_INSERT, row)

        done = self._writer.submit(work)
        done.add_done_callback(lambda _: self._note(done.exception()))

    def _read(self, name: str, row: tuple[Any, ...]) -> Response | None:
        slim, packed, seal = row
        try:
            _check_seal(seal, name, slim, packed)
            response = from_text(Response, slim)
            timing = replace(_UNTIMED, chunks=chunks.unpack(packed, 1)[0])
        except (_Unfit, ValueError, LookupError, TypeError, AttributeError, zlib.error) as error:
            self._give_up(error)
            return None
        return replace(response, timing=timing)

    def _note(self, error: BaseException | None) -> None:
        if error is not None:
            self._give_up(error.__cause__ or error)

    def _give_up(self, error: BaseException) -> None:
        said = getattr(error, "strerror", None) or str(error)
        if not isinstance(error, OSError):
            said += f" ({_mend(self._path)} makes a new one)"
        self.trouble = self.trouble or f"the cache {self._path} is not used: {said}"


def cache_info(folder: Path) -> CacheInfo:
    """Raises StoreError where a cache is there but cannot be read."""
    path = folder / DATABASE
    if not path.exists():
        return CacheInfo(path, 0, 0, None, None, {})
    try:
        _check_owner(path)
        with closing(_connect(path)) as connection:
            totals = "SELECT count(*), min(at), max(at) FROM responses"
            answers, oldest, newest = connection.execute(totals).fetchone()
            each = "SELECT model, count(*) FROM responses GROUP BY model ORDER BY model"
            models = dict(connection.execute(each))
    except (OSError, sqlite3.Error, _Unfit, ValueError) as error:
        raise StoreError(
            f"{path}: cannot be read: {error} ({_mend(path)} makes a new one)"
        ) from error
    size = sum(file.lstat().st_size for file in _files(path))
    return CacheInfo(path, answers, size, oldest, newest, models)


def clear_cache(folder: Path) -> None:
    """A process that uses it goes on with the file it has open, which nobody else sees."""
    for file in _files(folder / DATABASE):
        file.unlink(missing_ok=True)


class _Unfit(Exception):
    """A file that is not taken for a cache. ``str()`` is why."""


def _mend(path: Path) -> str:
    return f"stepeval cache --clear --cache-dir {path.parent}"


def _files(path: Path) -> list[Path]:
    beside = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    return [file for file in beside if os.path.lexists(file)]  # a link to nothing is in the way


def _make(folder: Path, path: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    with suppress(FileExistsError):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(path, flags, 0o600))
    _check_owner(path)


def _check_owner(path: Path) -> None:
    """Whoever could write it could choose the answers."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise _Unfit("it is no file")
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _Unfit(f"others may read or write it (chmod 600 {path})")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, _BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    _share(connection)
    # A power loss may take the latest answers, which the runs that asked for them have as well.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")  # the first of several processes makes the table
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (found, version) != (_APPLICATION_ID, _VERSION):
        raise _Unfit("it is no response cache of this version of stepeval")


def _share(connection: sqlite3.Connection) -> None:
    """Changes a new file's mode, for which SQLite waits for no other process by itself."""
    for left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if not left:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _check_seal(seal: bytes, name: str, slim: str, packed: bytes | None) -> None:
    if seal != _seal(name, slim, packed):
        raise _Unfit("an answer in it is damaged")


def _seal(name: str, slim: str, packed: bytes | None) -> bytes:
    """Of the whole row, so that no bit of an answer, and no answer, changes its place unseen."""
    found = hashlib.blake2b(name.encode(), digest_size=16)
    found.update(len(slim).to_bytes(8, "big") + slim.encode())
    found.update(packed or b"")
    return found.digest()
