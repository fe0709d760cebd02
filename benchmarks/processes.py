"""Whole processes, timed and weighed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time, and the largest resident set the process itself ever had."""

    seconds: float
    peak_mb: float


def measure(command: Sequence[str], *, folder: Path) -> Cost:
    """Raises SystemExit, with the program's own words, when it fails."""
    with (folder / "output.txt").open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        words = (folder / "output.txt").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return Cost(seconds, used.ru_maxrss / 1024)


def best(command: Sequence[str], *, folder: Path, times: int) -> Cost:
    """The quickest of several: what the machine's other work adds is no property of ours."""
    return min(
        (measure(command, folder=folder) for _ in range(times)), key=lambda cost: cost.seconds
    )


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def stepeval(*arguments: str) -> list[str]:
    return python("-m", "stepeval", *arguments)


def simulator(*options: str) -> AbstractContextManager[str]:
    """The base URL of a simulator in a process of its own."""
    told = ("--port=0", "--json", "--while-stdin-open")
    return serving(stepeval("simulate", *told, *options))


@contextmanager
def serving(command: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[str]:
    """The base URL that ``command`` tells as JSON; it ends when its standard input does."""
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["base_url"])
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
