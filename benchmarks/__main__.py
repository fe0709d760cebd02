"""``python -m benchmarks``: every bar, printed as a table.

``--only`` measures some groups; ``--check`` exits 1 when a bar is missed; ``--quick`` makes the
long runs short; ``--write`` puts the table into benchmarks/README.md, with the commit and the
machine.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import crash, latency, limits, rate, reporting, scale, startup, throughput, verdicts
from benchmarks.bars import Bar, table
from benchmarks.servers import external_server, null_server

_README = Path(__file__).with_name("README.md")
_MARK = "<!-- results -->"
_GROUPS = (
    "startup",
    "throughput",
    "latency",
    "rate",
    "limits",
    "reporting",
    "crash",
    "scale",
    "verdicts",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 on a missed bar")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--only", nargs="+", choices=_GROUPS, default=_GROUPS, metavar="GROUP")
    parser.add_argument("--repeats", type=int, default=1, help="the least disturbed one counts")
    parser.add_argument("--external-server", metavar="COMMAND", type=external_server)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    chosen = parser.parse_args()
    bars = []
    with tempfile.TemporaryDirectory() as folder:
        for bar in _measure(Path(folder), chosen):
            bars.append(bar)
            print(f"{bar.name}: {bar.measured:,.2f} {bar.unit}", file=sys.stderr)
    print(_heading(), table(bars), sep="\n\n")
    if chosen.write:
        before = _README.read_text("utf-8").partition(_MARK)[0]
        _README.write_text(f"{before}{_MARK}\n\n{_heading()}\n\n{table(bars)}\n", "utf-8")
    return 1 if chosen.check and not all(bar.met for bar in bars) else 0


def _measure(folder: Path, chosen: argparse.Namespace) -> Iterator[Bar]:
    if "startup" in chosen.only:
        yield from startup.bars(folder)
    if "throughput" in chosen.only:
        many = 20_000 if chosen.quick else 100_000
        yield from throughput.bars(folder, many=many, repeats=chosen.repeats)
    if "latency" in chosen.only:
        servers = [server for server in (null_server, chosen.external_server) if server]
        yield from latency.bars(folder, servers, quick=chosen.quick, repeats=chosen.repeats)
    if "rate" in chosen.only:
        yield from rate.bars(folder, quick=chosen.quick)
    if "limits" in chosen.only:
        yield from limits.bars(quick=chosen.quick)
    if "reporting" in chosen.only:
        yield from reporting.bars(folder)
    if "crash" in chosen.only:
        yield from crash.bars(folder, quick=chosen.quick)
    if "scale" in chosen.only:
        yield from scale.bars(folder, quick=chosen.quick)
    if "verdicts" in chosen.only:
        yield from verdicts.bars(quick=chosen.quick)


def _heading() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}, {machine}"


if __name__ == "__main__":
    sys.exit(main())
