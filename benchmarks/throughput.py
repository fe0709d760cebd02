"""Evaluations a second (render, send, parse, store durably, score), and what they weigh."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.loads import run_load
from benchmarks.processes import Cost, measure, stepeval
from benchmarks.servers import Timing, null_server
from benchmarks.suites import write_suite

_CONCURRENCY = 100
_FEW = 5_000
_SLOW_MS = 100.0


def bars(folder: Path, *, many: int, repeats: int = 1) -> Iterator[Bar]:
    """``many``: the large run that memory is compared at. Of ``repeats`` the quickest counts."""
    with null_server.serve(Timing(), None) as url:
        raw, small = _few(folder, url, repeats)
        yield Bar(
            f"{_FEW:,} evaluations, whole process, no report",
            _FEW / small.seconds,
            2_000,
            "/s",
            f"raw asyncio, sending alone: {_FEW / raw:,.0f}/s",
            at_least=True,
        )
        yield Bar("their peak memory", small.peak_mb, 200, "MB", "")
        large = _evaluate(folder, url, samples=many)
    yield Bar(
        f"memory that {many:,} evaluations add",
        large.peak_mb - small.peak_mb,
        150,
        "MB",
        f"{many / large.seconds:,.0f}/s over the whole process",
    )
    yield _slow_server(folder, repeats)


def _slow_server(folder: Path, repeats: int) -> Bar:
    with null_server.serve(Timing(latency_ms=_SLOW_MS), None) as url:
        raw, slow = _few(folder, url, repeats)
    return Bar(
        f"{_FEW:,} evaluations at {_SLOW_MS:.0f} ms each, {_CONCURRENCY} at once",
        slow.seconds,
        6.0,
        "s",
        f"raw asyncio, sending alone: {raw:.2f} s; ideal {_FEW * _SLOW_MS / 1e5:.2f} s",
    )


def _few(folder: Path, url: str, repeats: int) -> tuple[float, Cost]:
    """The raw client's seconds and ours, measured in turns."""
    pairs = [
        (_raw_seconds(url), _evaluate(folder, url, samples=_FEW)) for _ in range(max(repeats, 1))
    ]
    quickest = min((cost for _, cost in pairs), key=lambda cost: cost.seconds)
    return min(seconds for seconds, _ in pairs), quickest


def _evaluate(folder: Path, url: str, *, samples: int) -> Cost:
    suite = write_suite(folder / f"n{samples}.yaml", samples=samples, concurrency=_CONCURRENCY)
    return measure(stepeval("run", str(suite), "--base-url", url, "--no-report"), folder=folder)


def _raw_seconds(url: str) -> float:
    """The same number of requests: nothing is rendered, stored or scored, no program is started."""
    load = run_load("raw", url, concurrency=_CONCURRENCY, requests=_FEW, whole=True)
    return (load.ended_ns - load.began_ns) / 1e9
