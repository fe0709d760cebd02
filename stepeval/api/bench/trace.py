"""Recorded arrivals to be sent again: of a file, or of a stored run."""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepeval.core.chat import Response
from stepeval.core.errors import UsageError
from stepeval.core.record import Attempt
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder

_MOST_ARRIVALS = 1_000_000
_MOST_BYTES = 64 << 20
_LATEST_S = 2.0**33
_NS = {"s": 1_000_000_000, "ms": 1_000_000}
_MS = "_ms"
_NAMES = ("seconds", "arrival", "arrival_time", "time")
# Traces of Mooncake's kind, JSON lines, give "timestamp" in milliseconds; CSV ones in seconds.
_UNITS_OF_JSON = {
    **dict.fromkeys(_NAMES, "s"),
    **{f"{name}{_MS}": "ms" for name in ("timestamp", *_NAMES[1:])},
    "timestamp": "ms",
}
_UNITS_OF_CSV = {**_UNITS_OF_JSON, "timestamp": "s"}


def recorded_arrivals(name: str, runs: Path, *, unit: str | None = None) -> tuple[int, ...]:
    """Offsets from the first arrival, in ns, rising. ``name``: a CSV or JSONL file, else a run's
    id. ``unit``: "s" or "ms", of a file's times; None: as the file names them.

    Raises:
        UsageError: A line that holds no time, or no arrival at all.
        RunNotFound: Neither a file nor a run.
    """
    path = Path(name)
    if path.is_file():
        moments = _of_file(path, unit)
    elif unit is not None:
        raise UsageError("--replay-unit is for a file's times; a run knows its own")
    else:
        moments = _of_run(RunsFolder(runs).find(name))
    if not moments:
        raise UsageError(f"--replay {name}: holds no arrival")
    first = min(moments)
    return tuple(moment - first for moment in sorted(moments))


def _of_file(path: Path, unit: str | None) -> list[int]:
    if path.stat().st_size > _MOST_BYTES:
        raise UsageError(f"--replay {path}: larger than {_MOST_BYTES >> 20} MB")
    lines = path.read_text("utf-8-sig", "replace").splitlines()
    if sum(1 for line in lines if line.strip()) > _MOST_ARRIVALS:
        raise UsageError(f"--replay {path}: more than {_MOST_ARRIVALS:,} arrivals")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith('{"stepeval_cassette":'):
        raise UsageError(
            f"--replay {path} is a cassette: a benchmark measures a server, so nothing recorded "
            "can answer for it; --replay takes the times of requests, of a file or a stored run"
        )
    read = _of_json if first.lstrip().startswith("{") else _of_csv
    moments = []
    for number, value, named in read(lines, path):
        moment = _moment(value, unit or named)
        if moment is None:
            raise _no_arrival(path, number)
        moments.append(moment)
    return moments


def _of_json(lines: list[str], path: Path) -> Iterator[tuple[int, object, str]]:
    """The line's number, the time, and its unit."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            raise _no_arrival(path, number) from None
        fields = found if isinstance(found, dict) else {}
        name = _time_of(fields, _UNITS_OF_JSON)
        if name is None:
            raise _no_arrival(path, number)
        yield number, fields[name], _UNITS_OF_JSON[name]


def _of_csv(lines: list[str], path: Path) -> Iterator[tuple[int, object, str]]:
    """The column that a header names, else the first one."""
    reader = csv.reader(line + "\n" for line in lines)
    place, unit = 0, "s"
    is_first = True
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if is_first and _number(row[0]) is None:
                place, unit = _column(row)
            elif place < len(row):
                yield reader.line_num, row[place], unit
            else:
                raise _no_arrival(path, reader.line_num)
            is_first = False
    except csv.Error:
        raise _no_arrival(path, reader.line_num) from None


def _column(header: list[str]) -> tuple[int, str]:
    heads = [cell.strip().lower() for cell in header]
    name = _time_of(dict.fromkeys(heads), _UNITS_OF_CSV)
    if name is not None:
        return heads.index(name), _UNITS_OF_CSV[name]
    return 0, "ms" if heads[0].endswith(_MS) else "s"


def _time_of(fields: Mapping[str, object], units: Mapping[str, str]) -> str | None:
    return next((name for name in units if name in fields), None)


def _moment(value: object, unit: str) -> int | None:
    number = _number(value)
    if number is None:
        return None
    moment = number * _NS[unit]
    return round(moment) if math.isfinite(moment) and 0 <= moment < _LATEST_S * 1e9 else None


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _no_arrival(path: Path, line: int) -> UsageError:
    return UsageError(
        f"{path}:{line}: no arrival; a line is a number of seconds (of milliseconds with "
        f'--replay-unit ms), a CSV row with one, or {{"{_NAMES[0]}": 1.5}}'
    )


def _of_run(path: Path) -> list[int]:
    return [_due_ns(record.attempts[0]) for record in RunReader(path).records()]


def _due_ns(attempt: Attempt) -> int:
    result = attempt.exchange.result
    timing = result.timing
    if isinstance(result, Response) or timing is not None:
        assert timing is not None
        return attempt.started_ns if timing.scheduled_ns is None else timing.scheduled_ns
    return attempt.started_ns
