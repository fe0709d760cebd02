"""What reading a run costs grows as the run does: a plan that is quadratic shows at any size."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from stepeval.core.chat import Choice, Exchange, Message, Response, Timing, Usage
from stepeval.core.record import Attempt, Mode, RunInfo, Score, ScoreRow
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, ScoringRule, Suite
from stepeval.store import opening
from stepeval.store.run import RunReader, create_run

SAID = Response("i", "m", (Choice(0, "four"),), Usage(3, 4), Timing(90, 100, 105, 130))
SMALL, LARGE = 200, 800
QUERIES = ("records", "scores", "scored_records")


def stored(folder: Path, count: int) -> RunReader:
    suite = Suite(
        "suite",
        (Provider("p", "https://host/v1"),),
        (Prompt("q", (Message("user", "{{ input }}"),)),),
        tuple(Sample(str(n), f"question {n}") for n in range(count)),
        (Arm("a", "p", "m", "q"),),
        scoring=(ScoringRule("right", "exact"),),
    )
    info = RunInfo(f"run{count}", "suite", "hash", Mode.LIVE, 1000.0, "host", {}, "stepeval run")
    cells = [Cell(f"c{n}", suite.arms[0], sample) for n, sample in enumerate(suite.samples)]
    attempt = Attempt(1, 1.5, 100, 140, Exchange("u", "{}", SAID))

    async def answer_all() -> None:
        await asyncio.gather(*(store.add_attempt(cell, attempt, final=True) for cell in cells))

    with create_run(folder, info, suite) as store:
        asyncio.run(answer_all())
        found = (ScoreRow(cell.id, 0, "right", Score("exact", 1.0)) for cell in cells)
        store.add_scores(found, store.scoring())
    return RunReader(folder / info.id)


def steps(reader: RunReader, what: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Of SQLite's machine, in hundreds."""
    taken = 0
    plain = opening.open_to_read

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    def counted(path: Path) -> sqlite3.Connection:
        connection = plain(path)
        connection.set_progress_handler(count, 100)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(opening, "open_to_read", counted)
        assert sum(1 for _ in getattr(reader, what)())
    return taken


@pytest.mark.parametrize("what", QUERIES)
def test_four_times_the_cells_take_about_four_times_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    few, many = (steps(stored(tmp_path, count), what, monkeypatch) for count in (SMALL, LARGE))
    assert many < 6 * few
