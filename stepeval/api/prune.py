"""Old runs, removed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stepeval.core.errors import UsageError
from stepeval.store.reader import RunState
from stepeval.store.runs import RunsFolder, RunSummary

_AGE = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Old:
    """A run that may go. ``size`` is that of its files in bytes."""

    run: RunSummary
    size: int


def read_age(text: str) -> timedelta:
    """``30d``, ``12h`` or ``2w``. Raises UsageError for anything else."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"an age is written like 30d, 12h or 2w, not {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def old_runs(folder: Path, *, keep: int, older_than: timedelta | None, now: float) -> list[Old]:
    """Newest first: those beyond the ``keep`` newest and older than that. ``now``: as time.time().

    Never one that some process writes, nor one that cannot be read: it may be a newer stepeval's.
    """
    return list(_old(RunsFolder(folder), keep, older_than, now))


def _old(folder: RunsFolder, keep: int, older_than: timedelta | None, now: float) -> Iterator[Old]:
    readable = [run for run in folder.list() if run.problem is None]
    for run in readable[keep:]:
        assert run.info is not None
        assert run.status is not None
        young = older_than is not None and now - run.info.created_at < older_than.total_seconds()
        if not young and run.status.state is not RunState.RUNNING:
            yield Old(run, sum(file.stat().st_size for file in run.path.iterdir()))


def remove(folder: Path, old: Old) -> None:
    """Raises StoreError: some process writes it by now, or it cannot be removed."""
    RunsFolder(folder).remove(old.run.id)
