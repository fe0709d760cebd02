"""A million cells on one machine: memory, rate, size, and how soon a resumed run sends."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.bars import Bar
from benchmarks.long_answers import text
from benchmarks.processes import Cost, measure, python, serving, stepeval
from benchmarks.servers import Timing, null_server
from benchmarks.windows import rows_per_second
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.provenance import describe_run
from stepeval.core.chat import Choice, Exchange, Response, Usage
from stepeval.core.chat import Timing as Stages
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Cell
from stepeval.store.run import create_run
from stepeval.suite.grid import cells

_CONCURRENCY = 100
_SAMPLES = 1_000
_DONE = 100_000
_PARTS = 10  # of a quarter of the run
_FRAMES = "import stepeval; print(len(stepeval.load_run('latest').samples))"


def bars(folder: Path, *, quick: bool) -> Iterator[Bar]:
    count = 20_000 if quick else 1_000_000
    yield from _windows(folder)
    yield _resumed(folder, 10_000 if quick else _DONE)
    yield from _large(folder, count)


def _windows(folder: Path) -> Iterator[Bar]:
    for at_once in (8, _CONCURRENCY):
        found = rows_per_second(folder, at_once=at_once, count=20_000)
        others = ", ".join(f"{window} ms: {rate:,.0f}/s" for window, rate in found.items())
        name = f"rows/s without a commit window / with the better one, {at_once} at once"
        quotient = found[0] / max(rate for window, rate in found.items() if window)
        yield Bar(name, quotient, 1.0, "x", others, at_least=True)


def _large(folder: Path, count: int) -> Iterator[Bar]:
    suite = _write_suite(folder / "large", epochs=count // _SAMPLES)
    with _long_answers() as url:
        command = stepeval("run", str(suite), "--base-url", url, "--no-report")
        cost = measure(command, folder=suite.parent)
    (run,) = (suite.parent / ".stepeval" / "runs").iterdir()
    first, last, raw = _rates_and_raw(run, count)
    name = f"{count:,} evaluations with answers of 2 KB"
    whole = f"{count / cost.seconds:,.0f}/s over the whole process"
    yield Bar(f"{name}: peak memory", cost.peak_mb, 400, "MB", whole)
    rates = f"{first:,.0f}/s, then {last:,.0f}/s"
    what = "rate of the last quarter / of the first"
    yield Bar(what, last / first, 0.9, "x", rates, at_least=True)
    size = sum(file.stat().st_size for file in run.iterdir())
    kept = f"{size / count:,.0f} of {raw / count:,.0f} bytes each"
    yield Bar("size of the run / UTF-8 of requests and answers", size / raw, 1.2, "x", kept)
    frames = _frames(suite.parent)
    memory = f"peak memory {frames.peak_mb:,.0f} MB"
    yield Bar(f"loading frames of {count:,} rows", frames.seconds, 2 + count * 3e-4, "s", memory)


def _write_suite(folder: Path, *, epochs: int) -> Path:
    folder.mkdir()
    with (folder / "data.jsonl").open("w", encoding="utf-8") as file:
        for number in range(_SAMPLES):
            row = {"id": str(number), "input": f"{number}. {text(number * 7, 400)}", "target": "x"}
            file.write(json.dumps(row) + "\n")
    suite = {
        "stepeval": 1,
        "name": "scale",
        "defaults": {"model": "step-3.7-flash", "max_tokens": 1024},
        "dataset": {"file": "data.jsonl"},
        "epochs": epochs,
        "limits": {"concurrency": _CONCURRENCY, "max_cells": 10_000_000},
        "scoring": [{"scorer": "exact"}],
    }
    path = folder / "suite.yaml"
    path.write_text(json.dumps(suite), "utf-8")  # which is YAML, too
    return path


def _rates_and_raw(run: Path, count: int) -> tuple[float, float, int]:
    """Requests/s in the first quarter and in the last, and the bytes of all bodies and answers.

    A quarter's rate is the median of those of its ten parts: others use the machine, too.
    """
    with closing(sqlite3.connect(run / "run.db")) as connection:
        query = "SELECT started_at FROM attempts WHERE seq = ?"
        marks = [max(1, count * part // (4 * _PARTS)) for part in range(4 * _PARTS + 1)]
        at = [float(connection.execute(query, (mark,)).fetchone()[0]) for mark in marks]
        bodies = connection.execute("SELECT sum(length(body)) FROM attempts").fetchone()[0]
    rates = [count / (4 * _PARTS) / (end - begin) for begin, end in pairwise(at)]
    answers = count * len(text(0, 2_000).encode())
    return median(rates[:_PARTS]), median(rates[-_PARTS:]), int(bodies) + answers


def _frames(folder: Path) -> Cost:
    return measure(python("-c", _FRAMES), folder=folder)


def _resumed(folder: Path, done: int) -> Bar:
    """From the start of the process to the first question's arrival at the server; of three
    copies of a run the quickest.
    """
    suite = _write_suite(folder / "resumed", epochs=done // _SAMPLES + 1)
    runs, log = suite.parent / ".stepeval" / "runs", folder / "resumed.jsonl"
    began_ns = []
    with null_server.serve(Timing(latency_ms=5.0), log) as url:
        _fill(suite, url, done)
        for number in range(3):
            shutil.copytree(runs, copied := suite.parent / f"copy{number}")
            command = stepeval("resume", "latest", "--no-report", "--runs", str(copied))
            began_ns.append(time.monotonic_ns())
            subprocess.run(command, cwd=suite.parent, capture_output=True, check=True)
    with log.open(encoding="utf-8") as lines:
        read_ns = sorted(row["read_ns"] for row in map(json.loads, lines) if row["body"])
    seconds = min((next(ns for ns in read_ns if ns > began) - began) / 1e9 for began in began_ns)
    return Bar(f"resuming a run with {done:,} done: first request", seconds, 2.0, "s", "")


def _fill(path: Path, url: str, done: int) -> None:
    """A run of which the first ``done`` cells are stored, without a request."""
    suite, _ = prepare(SuiteOptions(path, base_url=url))
    info = describe_run(
        "20260101-000000-scale-0000",
        created_at=time.time(),
        suite_name=suite.name,
        suite_hash="",
        mode=Mode.SIMULATED,
        command="",
        beside=None,
    )
    answer = Response("id", "m", (Choice(0, text(0, 2_000)),), Usage(9, 9), Stages(1, 2, 3, 4))
    attempt = Attempt(1, 1.0, 1, 2, Exchange(url, text(0, 600), answer))

    async def fill() -> None:
        ours = (cell for cell, _ in zip(cells(suite), range(done), strict=False))
        await asyncio.gather(*(work(ours) for _ in range(_CONCURRENCY)))

    async def work(ours: Iterator[Cell]) -> None:
        for cell in ours:
            await store.add_attempt(cell, attempt, final=True)

    with create_run(path.parent / ".stepeval" / "runs", info, suite) as store:
        asyncio.run(fill())


def _long_answers() -> AbstractContextManager[str]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return serving(python("-m", "benchmarks.long_answers"), env)
