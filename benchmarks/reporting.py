"""How long a report takes."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.processes import best, measure, python, simulator, stepeval
from benchmarks.suites import write_suite


def bars(folder: Path) -> Iterator[Bar]:
    suite = write_suite(folder / "thousand.yaml", samples=1_000)
    with simulator("--speed=0") as url:
        measure(stepeval("run", str(suite), "--base-url", url, "--no-report"), folder=folder)
    imports = best(python("-c", "import matplotlib.figure"), folder=folder, times=3)
    report = best(stepeval("report", "latest", "--out", "report.html"), folder=folder, times=3)
    yield Bar(
        "report of 1,000 samples, whole process",
        report.seconds,
        5.0,
        "s",
        f"importing matplotlib {imports.seconds:.2f} s",
    )
