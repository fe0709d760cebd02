"""What was acknowledged is there, whatever ends the process or the disk."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from stepeval.store.run import RunReader, open_run

WRITER = """
import asyncio, os, resource, sys
from pathlib import Path
from stepeval.core.chat import *
from stepeval.core.errors import StoreError
from stepeval.core.record import *
from stepeval.core.task import *
from stepeval.store.run import create_run, open_run

root, limit = Path(sys.argv[1]), int(sys.argv[2])
arm = Arm("a", "p", "m", "q")
samples = tuple(Sample(str(n), "x") for n in range(5_000))
suite = Suite("s", (Provider("p", "http://h"),), (Prompt("q", ()),), samples, (arm,))
info = RunInfo("run", "s", "h", Mode.LIVE, 1.0, "h", {}, "c")
chunks = tuple(Chunk(n * n, n, ChunkKind.ANSWER, 0, n) for n in range(50))
answer = Response(None, None, (Choice(0, "y" * 500),), Usage(), Timing(1, 2, 3, 4, chunks))

async def write(store):
    done = store.done_cells()
    room = asyncio.Semaphore(16)
    async def one(sample):
        async with room:
            for number, final in ((1, False), (2, True)):
                attempt = Attempt(number, 1.0, 1, 2, Exchange("u", "{}", answer))
                await store.add_attempt(Cell(sample.id, arm, sample), attempt, final=final)
            os.write(1, f"{sample.id}\\n".encode())
    await asyncio.gather(*(one(sample) for sample in samples if sample.id not in done))

store = open_run(root / "run") if (root / "run").exists() else create_run(root, info, suite)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    asyncio.run(write(store))
except StoreError as error:
    os.write(1, f"refused: {error}\\n".encode())
    os._exit(4)
"""


def _check(root: Path, acknowledged: set[str]) -> None:
    connection = sqlite3.connect(root / "run" / "run.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    with open_run(root / "run") as store:
        assert acknowledged <= store.done_cells()


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """Ten kills, each at another instant of one run that is resumed after each."""
    chance = random.Random(20)
    acknowledged: list[str] = []
    for _ in range(10):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), "0"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        seen = range(chance.randrange(1, 300))
        acknowledged += [writer.stdout.readline().strip() for _ in seen]
        time.sleep(chance.random() * 0.02)
        writer.kill()
        acknowledged += [line for line in writer.stdout.read().split("\n")[:-1] if line]
        writer.wait()
        writer.stdout.close()
        _check(tmp_path, set(acknowledged))
    assert len(acknowledged) == len(set(acknowledged)), "a finished cell was sent again"
    for record in RunReader(tmp_path / "run").records():
        assert [attempt.number for attempt in record.attempts][-2:] == [1, 2]


def test_a_disk_without_room_stops_the_run_with_a_sentence_and_it_resumes(tmp_path: Path) -> None:
    """A real failing write: the kernel lets no file of the process grow beyond 1.5 MB."""
    command = [sys.executable, "-c", WRITER, str(tmp_path), "1500000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    acknowledged = {line for line in lines if line.isdigit()}
    assert (done.returncode, done.stderr) == (4, "")
    assert lines[-1].startswith("refused: ")
    assert "what was stored before is safe" in lines[-1]
    assert 10 < len(acknowledged) < 5_000
    _check(tmp_path, acknowledged)
