"""Faults in the writer's system calls: what was acknowledged stays, and the rest can be written.

``python -m benchmarks --only crash`` puts them into many more calls.
"""

import random
import subprocess
from pathlib import Path

import pytest
from stored import check, writer

from benchmarks.traced import SYNCS, WRITES, injected, outages, recorded, strace_works

CELLS = 12
pytestmark = pytest.mark.skipif(not strace_works(), reason="strace cannot trace here")


def some(seed: int, of: int, count: int) -> list[int]:
    return sorted(random.Random(seed).sample(range(1, of), count))


@pytest.mark.parametrize(
    ("calls", "what", "when"),
    [
        *((WRITES, "error=ENOSPC", when) for when in (1, *some(1, 250, 8))),
        *((WRITES, "error=EIO", when) for when in some(2, 250, 8)),
        *((SYNCS, "error=EIO", when) for when in (1, *some(3, 26, 8))),
        *((f"{WRITES},{SYNCS}", "signal=SIGKILL", when) for when in some(4, 250, 12)),
    ],
)
def test_a_fault_in_a_system_call_costs_nothing_that_was_acknowledged(
    tmp_path: Path, calls: str, what: str, when: int
) -> None:
    command = injected(writer(tmp_path, CELLS, "--at-once=1"), calls, what, when)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    acknowledged = {line for line in lines if line.isdigit()}
    assert done.returncode in (0, 4, -9, 137), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode == 4:
        assert lines[-1].startswith("refused: ")
        assert sum(line.startswith("refused: ") for line in lines) == 1
    if (tmp_path / "run").exists() and acknowledged:
        check(tmp_path, acknowledged)
    _finish(tmp_path, acknowledged)


def _finish(folder: Path, acknowledged: set[str]) -> None:
    """What a user does next: the same once more; a run cut short in its making is deleted first."""
    rest = subprocess.run(writer(folder, CELLS), capture_output=True, text=True, check=False)
    if "its creation was cut short; delete its folder" in rest.stdout:
        assert not acknowledged
        for file in (folder / "run").iterdir():
            file.unlink()
        (folder / "run").rmdir()
        rest = subprocess.run(writer(folder, CELLS), capture_output=True, text=True, check=False)
    assert rest.returncode == 0, rest.stdout + rest.stderr
    assert acknowledged.isdisjoint(rest.stdout.split())
    check(folder, {str(number) for number in range(CELLS)})


def test_a_power_loss_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """The calls of a run are recorded; of a moment's unsynced writes any part may be missing."""
    home, log = tmp_path / "home", tmp_path / "log"
    home.mkdir()
    command = recorded(writer(home, 60, "--at-once=4"), log)
    subprocess.run(command, capture_output=True, check=True)
    seen = 0
    for folder, acknowledged in outages(log, home, tmp_path / "found", most=60, seed=5):
        if acknowledged:
            check(folder, acknowledged)
            seen += 1
    assert seen > 60
