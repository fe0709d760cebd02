"""The stored runs of one suite, from the oldest to the newest."""

from dataclasses import replace
from pathlib import Path

from stepeval.analysis.history import History, Line, Point, history, history_json
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.core.errors import RunNotFound, did_you_mean
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder

__all__ = ["History", "Line", "Point", "history_json", "history_of", "write_history"]


def history_of(suite: str, runs: Path, *, last: int, arms: tuple[str, ...] = ()) -> History:
    """``suite`` is a file or the name of a suite; ``last``: so many of its runs, the newest.

    Raises:
        SuiteError: The file is no suite.
        RunNotFound: No run of it is stored, or none has such an arm.
    """
    name = _name(suite)
    found: list[RunReader] = []
    others: set[str] = set()
    left_out = 0
    for reader in RunsFolder(runs).newest_first():
        info = reader.info()
        if info.suite_name != name or info.load is not None:
            others.add(info.suite_name)
        elif len(found) < last:
            found.append(reader)
        else:
            left_out += 1
    if not found:
        hint = did_you_mean(name, others)
        raise RunNotFound(f"no run of suite {name!r} is stored in {runs}{hint}")
    known = history(name, sorted(found, key=lambda reader: reader.info().created_at))
    lines = tuple(line for line in known.lines if not arms or line.arm in arms)
    if not lines:
        hint = did_you_mean(arms[0], {line.arm for line in known.lines})
        raise RunNotFound(f"no run of suite {name!r} has an arm {arms[0]!r}{hint}")
    return replace(known, lines=lines, left_out=left_out)


def _name(suite: str) -> str:
    try:
        is_file = Path(suite).is_file()
    except (OSError, ValueError):  # too long, or with a NUL
        is_file = False
    return prepare(SuiteOptions(Path(suite)))[0].name if is_file else suite


def write_history(found: History, out: Path) -> Path:
    """Writes the history's HTML page; returns where it is."""
    from stepeval.report.history import history_page  # noqa: PLC0415  -- matplotlib
    from stepeval.report.page import render_history, write_page  # noqa: PLC0415

    write_page(render_history(history_page(found)), out)
    return out
