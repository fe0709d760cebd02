"""How long a user waits before anything happens."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.processes import best, python, simulator, stepeval
from benchmarks.suites import write_suite

_IMPORTS = "import asyncio, click, httpx, jinja2, orjson, pydantic, rich, sqlite3, ssl, yaml"


def bars(folder: Path) -> Iterator[Bar]:
    click = best(python("-c", "import click"), folder=folder, times=15)
    help_text = best(stepeval("--help"), folder=folder, times=15)
    yield Bar(
        "`stepeval --help` / `python -c 'import click'`",
        help_text.seconds / click.seconds,
        3.0,
        "x",
        f"import click {click.seconds * 1000:.0f} ms",
    )
    imports = best(python("-c", _IMPORTS), folder=folder, times=5)
    suite = write_suite(folder / "one.yaml", samples=1)
    with simulator("--speed=0") as url:
        command = stepeval("run", str(suite), "--base-url", url, "--no-report")
        one = best(command, folder=folder, times=5)
    yield Bar(
        "run of one sample, whole process, no report",
        one.seconds,
        1.0,
        "s",
        f"importing the libraries it needs {imports.seconds:.2f} s",
    )
