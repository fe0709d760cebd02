"""Removing runs: the old ones, never the one at work, and never half of one."""

from pathlib import Path

import pytest
from program import Serve, Shell

from stepeval.core.errors import StoreError
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite
from stepeval.simulator.speed import Speed
from stepeval.store.run import create_run
from stepeval.store.runs import RunsFolder

SUITE = Suite(
    "s", (Provider("p", "http://h"),), (Prompt("q", ()),), (Sample("0", "x"),),
    (Arm("a", "p", "m", "q"),),
)  # fmt: skip
DAY_S = 86_400.0
LONG_AGO = 1_700_000_000.0
ONE = """\
stepeval: 1
name: s
defaults: {model: step-3.7-flash}
dataset: [{id: a, input: hi}]
"""


@pytest.fixture
def runs(shell: Shell) -> Path:
    return shell.folder / ".stepeval" / "runs"


def make(runs: Path, created_at: float) -> str:
    run_id = RunsFolder(runs).new_id("s", created_at)
    info = RunInfo(run_id, "s", "h", Mode.LIVE, created_at, "h", {}, "c")
    create_run(runs, info, SUITE).close()
    return run_id


def names(runs: Path) -> set[str]:
    return {entry.name for entry in runs.iterdir()}


def test_the_newest_ones_are_kept(shell: Shell, runs: Path) -> None:
    made = [make(runs, LONG_AGO + n * DAY_S) for n in range(4)]
    said = shell("prune", "--keep", "2", "--dry-run")
    assert [line.split()[0] for line in said.out.splitlines()] == made[1::-1]
    assert names(runs) == set(made)
    shell("prune", "--keep", "2", "--yes")
    assert names(runs) == set(made[2:])
    assert "no run is that old" in shell("prune", "--keep", "2", "--yes").out


def test_both_options_protect(shell: Shell, runs: Path) -> None:
    """One from a clock that was wrong, and so lies in the future, is not old."""
    old = [make(runs, LONG_AGO + n * DAY_S) for n in range(2)]
    future = make(runs, 4_000_000_000.0)
    shell("prune", "--older-than", "30d", "--keep", "2", "--yes")
    assert names(runs) == {old[1], future}
    shell("prune", "--older-than", "30d", "--yes")
    assert names(runs) == {future}


def test_nothing_is_removed_unasked(shell: Shell, runs: Path) -> None:
    made = make(runs, LONG_AGO)
    assert "--keep N, --older-than 30d, or both" in shell("prune", code=2).err
    assert "say --yes" in shell("prune", "--keep", "0", code=2).err
    assert "like 30d" in shell("prune", "--older-than", "soon", code=2).err
    assert names(runs) == {made}


def test_a_run_at_work_is_left_alone(shell: Shell, serve: Serve, runs: Path) -> None:
    server = serve(speed=Speed(ttft_ms=60_000))
    process = shell.start("run", shell.suite(ONE), "--base-url", server.base_url, "--no-report")
    assert process.stderr is not None
    process.stderr.readline()  # the run is announced once it is there
    before = names(runs)
    assert "no run is that old" in shell("prune", "--keep", "0", "--yes").out
    with pytest.raises(StoreError, match=f"process {process.pid} is writing"):
        RunsFolder(runs).remove(next(iter(before)))
    assert names(runs) == before
    process.kill()
    process.communicate(timeout=30)


def test_what_is_no_run_or_cannot_be_read_stays(shell: Shell, runs: Path) -> None:
    made = make(runs, LONG_AGO)
    (runs / "notes.txt").write_text("mine")
    (runs / made / "run.db").write_bytes(b"a newer format, perhaps")
    shell("prune", "--keep", "0", "--yes")
    assert names(runs) == {made, "notes.txt"}


def test_what_a_dying_prune_left_is_no_run_and_goes_with_the_next(shell: Shell, runs: Path) -> None:
    first, second = make(runs, LONG_AGO), make(runs, LONG_AGO + DAY_S)
    (runs / first).rename(runs / f".removed-{first}")
    assert shell("runs").out.count("-s-") == 1
    shell("prune", "--keep", "0", "--yes")
    assert names(runs) == set()
    assert second not in names(runs)
