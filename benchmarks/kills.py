"""Runs that are killed, resumed and killed again, and what became of every answer."""

import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import stepeval
from benchmarks.witnessed import read_testimony

CONCURRENCY = 16
CELLS = 400
_SPEED = 0.05
_PATIENCE_S = 120.0
_SUITE = f"""\
stepeval: 1
name: killed
defaults: {{model: step-3.7-flash, max_tokens: 40}}
grid: {{stream: [true, false], reasoning_effort: [low, high]}}
dataset: {{file: killed.jsonl}}
limits: {{concurrency: {CONCURRENCY}}}
scoring: [{{scorer: numeric}}]
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One process, from its start to its end, of its own accord or not.

    Counts are of cells. ``served``: the server sent all of the answer. Each of ``..._missing`` is
    not in the store afterwards. Of acknowledged ones there must be none; those that were handed
    over to the writer are the open commit window; both they and what was on its way are among the
    served ones, which are paid for twice. ``asked_again``: though the answer was in the store.
    ``doubled``: final attempts beyond one a cell.
    """

    killed: bool
    intact: bool
    before: int
    after: int
    asked: int
    asked_again: int
    acknowledged_missing: int
    handed_over_missing: int
    served_missing: int
    doubled: int

    @property
    def complete(self) -> bool:
        return self.after == CELLS


def sessions(folder: Path, *, kills: int, seed: int) -> Iterator[Session]:
    """Runs are killed until there were as many ``kills``; the last one is resumed to its end."""
    chance = random.Random(seed)
    _write_suite(folder)
    done = number = 0
    while True:
        for session in _one_run(folder / f"run{number}", chance, kills - done):
            done += session.killed
            yield session
        if done >= kills:
            return
        number += 1


def _one_run(folder: Path, chance: random.Random, kills: int) -> Iterator[Session]:
    folder.mkdir()
    port = _free_port()
    for number in range(10_000):
        session = _session(folder, port, number, chance if kills > 0 else None)
        kills -= session.killed
        yield session
        if not session.killed:
            shutil.rmtree(folder)
            return


def _session(folder: Path, port: int, number: int, chance: random.Random | None) -> Session:
    before = _stored_bodies(folder)
    witness, log = folder / f"witness{number}", folder / f"truth{number}.jsonl"
    with _simulator(port, log):
        killed = _run(folder, port, witness, chance)
    after, said = _stored_bodies(folder), read_testimony(witness)
    asked, served = _asked(log)
    return Session(
        killed=killed,
        intact=_is_intact(folder),
        before=len(before),
        after=len(after),
        asked=len(asked),
        asked_again=len(asked & set(before.values())),
        acknowledged_missing=len(said.acknowledged - set(after)),
        handed_over_missing=len(said.handed_over - set(after)),
        served_missing=len(served - set(after.values())),
        doubled=_doubled(folder),
    )


def _asked(log: Path) -> tuple[set[str], set[str]]:
    """The bodies that were read, and those whose answer was sent to its end."""
    with log.open(encoding="utf-8") as lines:
        told = [row for row in map(json.loads, lines) if row["body"]]  # not what is no question
    return {row["body"] for row in told}, {row["body"] for row in told if row["complete"]}


def _run(folder: Path, port: int, witness: Path, chance: random.Random | None) -> bool:
    """Whether it was killed: at any instant of its life, most often one at which it writes."""
    run = _run_folder(folder)
    if run is None:
        suite = str(folder.parent / "killed.yaml")
        what = ["run", suite, "--base-url", f"http://127.0.0.1:{port}/v1"]
    else:
        what = ["resume", run.name]
    command = [sys.executable, "-m", "benchmarks.witnessed", str(witness), *what, "--no-report"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output
        )
        if chance is not None:
            _wait_for_the_instant(process, witness, chance)
            process.kill()
        code = process.wait(_PATIENCE_S)
    if code not in (0, -9):
        raise SystemExit(f"{what} ended with {code}: {(folder / 'output.txt').read_text()}")
    return code != 0


def _wait_for_the_instant(
    process: "subprocess.Popen[bytes]", witness: Path, chance: random.Random
) -> None:
    if chance.random() < 0.2:  # any time, from the first import on
        time.sleep(chance.random())
        return
    deadline = time.monotonic() + _PATIENCE_S
    while not witness.exists() or not witness.stat().st_size:
        if process.poll() is not None or time.monotonic() > deadline:
            return
        time.sleep(0.001)
    time.sleep(chance.random() * 0.5)


def _write_suite(folder: Path) -> None:
    (folder / "killed.yaml").write_text(_SUITE, "utf-8")
    with (folder / "killed.jsonl").open("w", encoding="utf-8") as file:
        for number in range(CELLS // 4):
            row = {"id": str(number), "input": f"What is {number} + 1?", "target": number + 1}
            file.write(json.dumps(row) + "\n")


def _run_folder(folder: Path) -> Path | None:
    """The stored run; one whose creation was cut short is removed, as its message says."""
    for run in (folder / ".stepeval" / "runs").glob("*"):
        if _cells_table(run):
            return run
        shutil.rmtree(run)
    return None


def _cells_table(run: Path) -> bool:
    if not (run / "run.db").exists():
        return False
    with closing(sqlite3.connect(run / "run.db")) as connection:
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'cells'"
        return bool(connection.execute(query).fetchone()[0])


def _query(folder: Path, query: str) -> list[tuple[object, ...]]:
    run = _run_folder(folder)
    if run is None:
        return []
    with closing(sqlite3.connect(run / "run.db")) as connection:
        return connection.execute(query).fetchall()


def _stored_bodies(folder: Path) -> dict[str, str]:
    """Of the cells with their final attempt: id, and the body that was sent."""
    query = """SELECT c.id, a.body FROM finals f JOIN attempts a ON a.seq = f.attempt
        JOIN cells c ON c.number = f.cell"""
    return {str(cell): str(body) for cell, body in _query(folder, query)}


def _is_intact(folder: Path) -> bool:
    return _query(folder, "PRAGMA integrity_check") in ([], [("ok",)])


def _doubled(folder: Path) -> int:
    found = _query(folder, "SELECT count(*) - count(DISTINCT cell) FROM finals")
    return int(str(found[0][0])) if found else 0


@contextmanager
def _simulator(port: int, log: Path) -> Iterator[None]:
    options = ["--port", str(port), "--speed", str(_SPEED), "--log", str(log)]
    process = subprocess.Popen(
        stepeval("simulate", *options, "--json", "--while-stdin-open"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise SystemExit("the simulator did not start")
        yield
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port
