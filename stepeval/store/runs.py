"""The folder of stored runs, and how a run is called by name."""

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stepeval.core.errors import RunNotFound, StoreError, did_you_mean
from stepeval.core.record import RunInfo
from stepeval.store import schema
from stepeval.store.lock import WriterLock
from stepeval.store.reader import RunReader, RunStatus

LATEST = "latest"

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{4}")
_GOING = ".removed-"  # no run id begins so
_MOST_SLUG = 40
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class RunSummary:
    """``problem`` says why a run cannot be read; ``info`` and ``status`` are None then."""

    id: str
    path: Path
    info: RunInfo | None = None
    status: RunStatus | None = None
    problem: str | None = None


class RunsFolder:
    """Runs are directories directly below ``root``, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def new_id(self, suite_name: str, created_at: float) -> str:
        """``YYYYMMDD-HHMMSS-<slug>-<4 hex>`` in UTC, not taken yet.

        ``created_at`` is seconds since 1970.
        """
        stamp = datetime.fromtimestamp(created_at, UTC).strftime("%Y%m%d-%H%M%S")
        while True:
            run_id = f"{stamp}-{slug(suite_name)}-{secrets.token_hex(2)}"
            if not (self.root / run_id).exists():
                return run_id

    def path(self, run_id: str) -> Path:
        """Where this run is, or would be.

        Raises:
            RunNotFound: ``run_id`` is no run id, or leads out of the folder by a link.
        """
        if not _ID.fullmatch(run_id):
            raise RunNotFound(
                f"{_shown(run_id)} is no run id; one looks like 20260131-235959-suite-name-0a1b"
            )
        directory = self.root / run_id
        try:
            inside = (directory / schema.DATABASE).resolve()
        except (OSError, RuntimeError):
            raise RunNotFound(f"run {run_id} is a link that leads nowhere") from None
        if inside.parent != self.root.resolve() / run_id:
            raise RunNotFound(f"run {run_id} is a link to a place outside of {self.root}")
        return directory

    def find(self, name: str) -> Path:
        """The directory of the run of this id, unique beginning of an id, ``latest``, or path.

        Raises:
            RunNotFound: Nothing, or more than one run, answers to ``name``.
        """
        known = [directory.name for directory in self._directories()]
        if name == LATEST:
            return self._latest()
        if name in known:
            return self.path(name)
        begun = [run_id for run_id in known if name and run_id.startswith(name)]
        if len(begun) == 1:
            return self.path(begun[0])
        if begun:
            shown = ", ".join(begun[:3]) + (", ..." if len(begun) > 3 else "")  # noqa: PLR2004  -- enough to see how they differ
            raise RunNotFound(f"{len(begun)} runs begin with {_shown(name)}: {shown}; say more")
        return _directory_at(name) or self._refuse(name, known)

    def list(self) -> list[RunSummary]:
        """Newest first; those that cannot be read, with their problem, by the time in their id."""
        return sorted(map(_summary, self._directories()), key=_age)

    def remove(self, run_id: str) -> None:
        """Its name goes at once, and then its files: a process that dies here leaves no half run.

        What one left behind, the next call takes away.

        Raises:
            RunNotFound: There is no such run.
            StoreError: Another process is writing it, or it cannot be removed.
        """
        directory = self.path(run_id)
        if not directory.is_dir():
            raise RunNotFound(f"no run {run_id} in {self.root}")
        lock = WriterLock(directory / schema.LOCK)
        try:
            directory.rename(self.root / f"{_GOING}{run_id}")
            for gone in self.root.glob(f"{_GOING}*"):
                shutil.rmtree(gone)
        except OSError as error:
            raise StoreError(f"{directory}: cannot be removed: {error.strerror}") from error
        finally:
            lock.release()

    def newest_first(self) -> Iterator[RunReader]:
        """Those that can be read, opened one by one as they are asked for."""
        for directory in sorted(self._directories(), reverse=True):  # ids begin with their time
            try:
                yield RunReader(self.path(directory.name))
            except (StoreError, RunNotFound):
                continue

    def _latest(self) -> Path:
        known = sorted((_known(directory) for directory in self._directories()), key=_age)
        readable = [run for run in known if run.problem is None]
        if not readable:
            raise RunNotFound(f"no run is stored in {self.root} yet")
        return self.path(readable[0].id)

    def _directories(self) -> Iterator[Path]:
        if self.root.is_dir():
            yield from (entry for entry in self.root.iterdir() if _ID.fullmatch(entry.name))

    def _refuse(self, name: str, known: Sequence[str]) -> Path:
        if not known:
            raise RunNotFound(
                f"no run {_shown(name)}: no run is stored in {self.root} yet, and it is no path"
            )
        hint = did_you_mean(name, [*known, LATEST])
        raise RunNotFound(f"no run {_shown(name)} in {self.root}{hint}")


def slug(name: str) -> str:
    """``name`` in a-z, 0-9 and single hyphens, 40 characters at most; ``run`` if none is left."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain[:_MOST_SLUG].strip("-") or "run"


def _directory_at(name: str) -> Path | None:
    """The run's directory where ``name`` is a path to it or to its file."""
    try:
        path = Path(name)
        if path.is_dir() and (path / schema.DATABASE).is_file():
            return path
        if path.is_file() and path.name == schema.DATABASE:
            return path.parent
    except (OSError, ValueError):  # too long, or with a NUL: no path, so no run
        return None
    return None


def _known(directory: Path) -> RunSummary:
    """Without its status, which costs a look at every cell."""
    try:
        reader = RunReader(RunsFolder(directory.parent).path(directory.name))
        return RunSummary(directory.name, directory, reader.info())
    except (StoreError, RunNotFound) as error:
        return RunSummary(directory.name, directory, problem=str(error))


def _summary(directory: Path) -> RunSummary:
    known = _known(directory)
    if known.problem is not None:
        return known
    try:
        return replace(known, status=RunReader(directory).status())
    except StoreError as error:
        return RunSummary(directory.name, directory, problem=str(error))


def _age(run: RunSummary) -> tuple[float, str]:
    """Smaller is newer."""
    if run.info is not None:
        return (-run.info.created_at, run.id)
    try:
        stamp = datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # digits that are no date
        return (0.0, run.id)
    return (-stamp.timestamp(), run.id)


def _shown(name: str) -> str:
    return repr(name if len(name) <= _MOST_SHOWN else name[:_MOST_SHOWN] + "...")
