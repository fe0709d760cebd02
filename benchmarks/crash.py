"""What crashes cost: kills at random instants, faults in each system call, power loss."""

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.kills import CONCURRENCY, Session, sessions
from benchmarks.processes import python
from benchmarks.traced import SYNCS, WRITES, injected, outages, recorded, strace_works
from stepeval.core.errors import StoreError
from stepeval.store.run import open_run

_CELLS = 12
_FAULTS = (
    (WRITES, "error=ENOSPC"),
    (WRITES, "error=EIO"),
    (SYNCS, "error=EIO"),
    (f"{WRITES},{SYNCS}", "signal=SIGKILL"),
)


def bars(folder: Path, *, quick: bool) -> Iterator[Bar]:
    kills = 25 if quick else 200
    seen = list(sessions(folder, kills=kills, seed=random.SystemRandom().randrange(1 << 32)))
    yield from _killed([session for session in seen if session.killed], seen)
    if not strace_works():
        print("strace cannot trace here: no faults in system calls", file=sys.stderr)
        return
    yield from _faults(folder, step=25 if quick else 1)
    yield from _power(folder, instants=60 if quick else 600)


def _killed(killed: list[Session], seen: list[Session]) -> Iterator[Bar]:
    among = f"{len(killed)} SIGKILLs, {sum(s.after - s.before for s in seen):,} answers stored"
    broken = sum(not s.intact for s in seen) + sum(s.doubled for s in seen)
    yield Bar("damaged files, and cells with two results", broken, 0, "", among)
    lost = sum(s.acknowledged_missing for s in seen)
    yield Bar("acknowledged answers that are missing", lost, 0, "", "")
    again = sum(s.asked_again for s in seen)
    yield Bar("requests for what was stored already", again, 0, "", "")
    ended = [s for s in seen if not s.killed]
    wrong = sum(abs(s.asked - (s.after - s.before)) for s in ended)
    yield Bar("requests after a resume / cells without a result, difference", wrong, 0, "", "")
    window = max(s.handed_over_missing for s in killed)
    yield Bar("answers in the open commit window, most", window, CONCURRENCY, "", "")
    twice = [s.served_missing for s in killed]
    mean = f"mean {sum(twice) / len(twice):.1f}, {CONCURRENCY} requests at once"
    yield Bar("answers paid for twice after a kill, most", max(twice), 2 * CONCURRENCY, "", mean)


def _faults(folder: Path, *, step: int) -> Iterator[Bar]:
    """Each kind in every ``step``-th call, until the writer has no such call."""
    for calls, what in _FAULTS:
        lost = hit = 0
        for when in count(1, step):
            place = folder / f"{what}{when}{len(calls)}"
            place.mkdir()
            wanted = injected(_writer(place), calls, what, when)
            done = subprocess.run(wanted, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            hit += 1
            lost += _lost(place, {line for line in done.stdout.splitlines() if line.isdigit()})
        yield Bar(f"answers lost to {what} in {calls}", lost, 0, "", f"{hit} calls, each in turn")


def _power(folder: Path, *, instants: int) -> Iterator[Bar]:
    home, log = folder / "home", folder / "calls"
    home.mkdir()
    subprocess.run(
        recorded(_writer(home, cells=200, at_once=4), log), capture_output=True, check=True
    )
    lost = tried = 0
    for found, acknowledged in outages(log, home, folder / "found", most=instants, seed=1):
        lost += _lost(found, acknowledged)
        tried += 1
    yield Bar("answers lost to a power loss", lost, 0, "", f"{tried} states of the disk")


def _writer(folder: Path, *, cells: int = _CELLS, at_once: int = 1) -> list[str]:
    return python("-m", "benchmarks.writer", str(folder), str(cells), f"--at-once={at_once}")


def _lost(folder: Path, acknowledged: set[str]) -> int:
    """All of them where the run cannot be opened any more."""
    if not acknowledged:
        return 0
    try:
        with open_run(folder / "run") as store:
            return len(acknowledged - store.done_cells())
    except StoreError:
        return len(acknowledged)
