"""Runs a client in processes of its own, and gathers what they saw."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy import Load, joined
from benchmarks.clients import Seen
from benchmarks.processes import python


class NotMeasured(Exception):
    """Why a client has no figures, in a few words."""


def run_load(
    client: str,
    url: str,
    *,
    concurrency: int,
    requests: int,
    whole: bool = False,
    workers: int = 1,
    rate: float | None = None,
    limit_s: float = 60.0,
) -> Load:
    """All workers begin together, with an even share each; with a ``rate`` in an open loop.

    Raises:
        NotMeasured: Its library is not installed, it failed, or it did not end in time.
    """
    command = [
        *python("-m", "benchmarks.driver", client, url),
        f"--concurrency={concurrency // workers}",
        f"--requests={requests // workers}",
        f"--limit-s={limit_s}",
        *(["--whole"] if whole else []),
        *([f"--rate={rate / workers}"] if rate else []),
    ]
    processes = [
        subprocess.Popen(
            command,
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(workers)
    ]
    try:
        load = joined(_loads(processes))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    if len(load.seen) < requests // workers * workers:
        raise NotMeasured(f"not done in {limit_s:g} s")
    return load


def _loads(processes: Sequence["subprocess.Popen[str]"]) -> list[Load]:
    for process in processes:
        _told(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [_load(**_told(process)) for process in processes]


def _told(process: "subprocess.Popen[str]") -> Mapping[str, Any]:
    assert process.stdout is not None
    said: Mapping[str, Any] = json.loads(process.stdout.readline() or '{"failed": "it died"}')
    if "failed" in said:
        raise NotMeasured(said["failed"])
    return said


def _load(seen: Sequence[Sequence[Any]], **spans: Any) -> Load:
    return Load(**spans, seen=[Seen(*row) for row in seen])
