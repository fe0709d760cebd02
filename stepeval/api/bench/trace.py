"""Recorded arrivals to be sent again: of a file, or of a stored run."""

import json
import math
from collections.abc import Iterable
from pathlib import Path

from stepeval.core.chat import Response
from stepeval.core.errors import UsageError
from stepeval.core.record import Attempt
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder

_MOST_ARRIVALS = 1_000_000
_MOST_BYTES = 64 << 20
_NAMES = ("seconds", "timestamp", "arrival", "time")
_NS = 1_000_000_000


def recorded_arrivals(name: str, runs: Path) -> tuple[int, ...]:
    """Offsets from the first arrival, in ns, rising. ``name``: a CSV or JSONL file of seconds,
    else a run's id.

    Raises:
        UsageError: A line that holds no time, or no arrival at all.
        RunNotFound: Neither a file nor a run.
    """
    path = Path(name)
    moments = _of_file(path) if path.is_file() else _of_run(RunsFolder(runs).find(name))
    if not moments:
        raise UsageError(f"--replay {name}: holds no arrival")
    return tuple(moment - min(moments) for moment in sorted(moments))


def _of_file(path: Path) -> list[int]:
    if path.stat().st_size > _MOST_BYTES:
        raise UsageError(f"--replay {path}: larger than {_MOST_BYTES >> 20} MB")
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) > _MOST_ARRIVALS:
        raise UsageError(f"--replay {path}: more than {_MOST_ARRIVALS:,} arrivals")
    heads = 1 if lines and _seconds_in(lines[0]) is None and not lines[0].startswith("{") else 0
    return list(_moments(lines[heads:], path, first_line=heads + 1))


def _moments(lines: Iterable[str], path: Path, *, first_line: int) -> Iterable[int]:
    for number, line in enumerate(lines, first_line):
        seconds = _seconds_in(line)
        if seconds is None:
            raise UsageError(
                f"{path}:{number}: no arrival in seconds; a line is a number, "
                f'begins with one and a comma, or is {{"{_NAMES[0]}": 1.5}}'
            )
        yield round(seconds * _NS)


def _seconds_in(line: str) -> float | None:
    text: object = line.partition(",")[0]
    try:
        if line.lstrip().startswith("{"):
            found = json.loads(line)
            text = next((found[name] for name in _NAMES if name in found), None)
        seconds = float(str(text))
    except (ValueError, RecursionError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds < 2**33 else None


def _of_run(path: Path) -> list[int]:
    return [_due_ns(record.attempts[0]) for record in RunReader(path).records()]


def _due_ns(attempt: Attempt) -> int:
    result = attempt.exchange.result
    timing = result.timing
    if isinstance(result, Response) or timing is not None:
        assert timing is not None
        return attempt.started_ns if timing.scheduled_ns is None else timing.scheduled_ns
    return attempt.started_ns
