"""What was acknowledged is there, whatever ends the process that writes, or its disk."""

import random
import subprocess
import sys
import time
from pathlib import Path

from stored import check, writer

from stepeval.store.run import RunReader


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """Ten kills, each at another instant of one run that is resumed after each."""
    chance = random.Random(20)
    acknowledged: list[str] = []
    for _ in range(10):
        process = subprocess.Popen(writer(tmp_path, 5_000), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        seen = range(chance.randrange(1, 300))
        acknowledged += [process.stdout.readline().strip() for _ in seen]
        time.sleep(chance.random() * 0.02)
        process.kill()
        acknowledged += [line for line in process.stdout.read().split("\n")[:-1] if line]
        process.wait()
        process.stdout.close()
        check(tmp_path, set(acknowledged))
    assert len(acknowledged) == len(set(acknowledged)), "a finished cell was sent again"
    for record in RunReader(tmp_path / "run").records():
        assert [attempt.number for attempt in record.attempts][-2:] == [1, 2]


def test_a_disk_without_room_stops_the_run_with_a_sentence_and_it_resumes(tmp_path: Path) -> None:
    """A real failing write: the kernel lets no file of the process grow beyond 1.5 MB."""
    command = writer(tmp_path, 2_000, "--largest-file=1500000")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    acknowledged = {line for line in lines if line.isdigit()}
    assert (done.returncode, done.stderr) == (4, "")
    assert lines[-1].startswith("refused: ")
    assert "what was stored before is safe" in lines[-1]
    assert 10 < len(acknowledged) < 2_000
    check(tmp_path, acknowledged)
    rest = subprocess.run(writer(tmp_path, 2_000), capture_output=True, text=True, check=True)
    assert acknowledged.isdisjoint(rest.stdout.split())
    check(tmp_path, {str(number) for number in range(2_000)})


def test_a_run_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    """So that the same can be tried again once there is room."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from benchmarks.writer import main; main()"
    )
    command = [sys.executable, "-c", code, str(tmp_path), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (4, "")
    assert "cannot be made" in done.stdout
    assert list(tmp_path.iterdir()) == []
