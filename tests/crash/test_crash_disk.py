"""Disks without room, folders that cannot be written, and clocks that jump: one sentence, exit
code 4, nothing lost, and the run goes on once it is mended.
"""

import asyncio
import itertools
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored import check

from benchmarks.suites import write_suite
from benchmarks.writer import ARM, INFO
from stepeval.core.chat import Exchange, Response, Timing, Usage
from stepeval.core.record import Attempt
from stepeval.core.task import Cell, Prompt, Provider, Sample, Suite
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import RunningSimulator, running
from stepeval.store.run import RunReader, create_run

CELLS = 1_500
SUITE = Suite(
    "s", (Provider("p", "http://h"),), (Prompt("q", ()),),
    tuple(Sample(str(number), "x") for number in range(30)), (ARM,),
)  # fmt: skip
ATTEMPT = Attempt(
    1, 1.0, 1, 2, Exchange("u", "{}", Response(None, None, (), Usage(), Timing(1, 1, 1, 1)))
)
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
from stepeval.cli.main import main
main()
"""
WITHOUT_PRIVILEGES = """
import ctypes, sys
# Root passes over permissions by a capability: without any, it is a user like others.
version_and_self, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert ctypes.CDLL(None).capset(version_and_self, none) == 0
from stepeval.cli.main import main
main()
"""
JUMPING = """
import itertools, sys, time
steps = itertools.cycle([0.0, 86_400.0, -7 * 86_400.0, 1e9, -1e9])
wall = time.time
time.time = lambda: wall() + next(steps)
from stepeval.cli.main import main
main()
"""


@pytest.fixture
def server() -> Iterator[RunningSimulator]:
    with running(SimulatorConfig(speed=Speed(scale=0))) as simulator:
        yield simulator


def posts(server: RunningSimulator) -> int:
    return sum(request.method == "POST" for request in server.requests())


def stepeval(
    folder: Path, *arguments: str, program: str = "from stepeval.cli.main import main; main()"
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def run(server: RunningSimulator, folder: Path, samples: int = CELLS) -> list[str]:
    suite = write_suite(folder / "many.yaml", samples=samples, concurrency=8)
    return ["run", str(suite), "--base-url", server.base_url, "--no-report"]


def assert_one_sentence(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert all(word in last for word in words), last


def test_a_full_disk_stops_a_run_which_goes_on_once_there_is_room(
    tmp_path: Path, server: RunningSimulator
) -> None:
    """Wherever the tests run: the kernel lets no file of the process grow beyond 900 KB."""
    done = stepeval(tmp_path, *run(server, tmp_path), program=LIMITED)
    assert_one_sentence(done, "cannot be written", "what was stored before is safe")
    (folder,) = (tmp_path / ".stepeval" / "runs").iterdir()
    stored, sent = RunReader(folder).status().finals, posts(server)
    assert 0 < stored < CELLS
    assert sent - stored <= 2 * 8  # the commit window, and what was on its way
    assert "incomplete" in stepeval(tmp_path, "runs").stdout
    done = stepeval(tmp_path, "resume", "latest", "--no-report")
    assert done.returncode == 0, done.stderr
    assert posts(server) - sent == CELLS - stored
    assert RunReader(folder).status().state == "complete"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB that are really all there is, where this user may mount them."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_file_system_without_room_is_no_loss(small_disk: Path, server: RunningSimulator) -> None:
    command = run(server, small_disk.parent)
    done = stepeval(small_disk, *command)
    assert_one_sentence(done, "cannot be written", "what was stored before is safe")
    (folder,) = (small_disk / ".stepeval" / "runs").iterdir()
    stored, sent = RunReader(folder).status().finals, posts(server)
    assert 0 < stored < CELLS
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert stepeval(small_disk, "resume", "latest", "--no-report").returncode == 0
    assert posts(server) - sent == CELLS - stored


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(
    tmp_path: Path, server: RunningSimulator
) -> None:
    command = run(server, tmp_path, samples=1)
    tmp_path.chmod(0o555)
    done = stepeval(tmp_path, *command, program=WITHOUT_PRIVILEGES)
    tmp_path.chmod(0o755)
    assert_one_sentence(done, "cannot be made", "Permission denied")
    assert posts(server) == 0


def test_a_stored_run_that_cannot_be_written_is_not_resumed(
    tmp_path: Path, server: RunningSimulator
) -> None:
    stepeval(tmp_path, *run(server, tmp_path, samples=1))
    sent, paths = posts(server), list((tmp_path / ".stepeval").rglob("*"))
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = stepeval(tmp_path, "resume", "latest", program=WITHOUT_PRIVILEGES)
    for path in paths:
        path.chmod(0o755)
    assert_one_sentence(done, "cannot be locked for writing", "Permission denied")
    assert posts(server) == sent


def test_a_wall_clock_that_jumps_breaks_nothing(tmp_path: Path, server: RunningSimulator) -> None:
    """By days and decades, both ways, at every look: durations are of the monotonic clock."""
    done = stepeval(tmp_path, *run(server, tmp_path, samples=40), program=JUMPING)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / ".stepeval" / "runs").iterdir()
    for arguments in (("resume", folder.name, "--no-report"), ("runs",), ("show", folder.name)):
        done = stepeval(tmp_path, *arguments, program=JUMPING)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert posts(server) == 40
    for record in RunReader(folder).records():
        for attempt in record.attempts:
            assert 0 < attempt.ended_ns - attempt.started_ns < 60e9


def test_a_log_cut_anywhere_after_an_acknowledgement_holds_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    """A power loss, also where calls cannot be traced: what was not synced yet may be cut, or be
    anything.
    """
    chance = random.Random(6)
    with create_run(tmp_path / "home", INFO, SUITE) as store:
        wal = store.path.with_name("run.db-wal")
        sizes = [wal.stat().st_size]
        for sample in SUITE.samples:
            asyncio.run(store.add_attempt(Cell(sample.id, ARM, sample), ATTEMPT, final=True))
            sizes.append(wal.stat().st_size)
        database, log = store.path.read_bytes(), wal.read_bytes()
    for number, (size, later) in enumerate(itertools.pairwise(sizes)):
        noise = chance.randbytes(chance.randrange(9_000))
        cut = log[: chance.randrange(size, later)] + chance.choice((b"", noise))
        place = tmp_path / str(number) / "run"
        place.mkdir(parents=True)
        (place / "run.db").write_bytes(database)
        (place / "run.db-wal").write_bytes(cut)
        check(place.parent, {sample.id for sample in SUITE.samples[:number]})
