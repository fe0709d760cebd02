"""Whether requests leave when they are due, however long the answers take."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy import percentile
from benchmarks.bars import Bar
from benchmarks.loads import run_load
from benchmarks.processes import stepeval
from benchmarks.servers import Timing, null_server

_RATE = 200
_TIMING = Timing(ttft_ms=100, gap_ms=10, chunks=16)


def bars(folder: Path, *, quick: bool) -> Iterator[Bar]:
    requests = 600 if quick else 2_000
    with null_server.serve(_TIMING, None) as url:
        raw = run_load("raw", url, concurrency=1, requests=requests, rate=_RATE)
        ours = _bench_lag_ms(folder, url, requests)
    yield Bar(
        f"schedule lag p99 of `stepeval bench --rate {_RATE}`, null server",
        ours,
        2.0,
        "ms",
        f"raw {percentile(raw.lags_ns, 0.99) / 1e6:.2f}",
    )


def _bench_lag_ms(folder: Path, url: str, requests: int) -> float:
    """Of the measured requests of all processes, as the command itself says."""
    prompts = ("--model=step-3.7-flash", "--input-tokens=64", "--output-tokens=16")
    command = stepeval("bench", *prompts, f"--rate={_RATE}", f"--requests={requests}")
    done = subprocess.run(
        [*command, f"--base-url={url}", "--no-report", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"stepeval bench ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)["cells"][0]["pooled"]["lag"]["p99"]["value"]
    return float(found)
