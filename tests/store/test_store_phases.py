"""The loads of a benchmark in its file, and when such a run is over."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from stepeval.core.chat import Exchange, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.load import Ceiling, Health, LoadPlan, Objective, Phase, Shape
from stepeval.core.record import Attempt, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.store.run import RunEvent, RunReader, create_run, open_run

PLAN = LoadPlan(
    Shape.POISSON, (5.0, 20.0), None, 30.0, "10 requests",
    objectives=(Objective("ttft", 500.0),), ceiling=Ceiling(900.0, 1e5, 12.5, 2, 1000.0),
)  # fmt: skip
INFO = RunInfo("run", "s", "h", Mode.SIMULATED, 1000.0, "host", {}, "stepeval bench", load=PLAN)
ARM, SAMPLE = Arm("a", "p", "m", "q"), Sample("0", "x")
SUITE = Suite("s", (Provider("p", "http://h"),), (Prompt("q", ()),), (SAMPLE,), (ARM,))
HEALTH = (Health((10, 2**40), 1.5, 30.0), Health((), 0.0, 30.0, "proxy"))
FIRST = Phase(0, 0, 5.0, 10**18, 10**18 + 1, 10**18 + 2, 10**18 + 3, HEALTH)
LATER = 10**18 + 9
SECOND = Phase(1, 0, 20.5, LATER, LATER, LATER + 5, LATER + 5)
ATTEMPT = Attempt(
    1, 1000.5, 1, 2,
    Exchange("u", "{}", Response(None, None, (), Usage(), Timing(1, 1, 1, 1))),
)  # fmt: skip


def test_phases_are_read_back_whole_and_in_the_order_they_ran(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        store.add_phase(SECOND)
        store.add_phase(FIRST)
        assert store.reader().phases() == (FIRST, SECOND)
    assert RunReader(tmp_path / "run").info().load == PLAN


def test_a_phase_is_written_once(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        store.add_phase(FIRST)
        store.add_phase(replace(FIRST, repeat=1))
        with pytest.raises(StoreError, match="UNIQUE"):
            store.add_phase(replace(FIRST, load=7.0))
        assert [phase.repeat for phase in store.reader().phases()] == [0, 1]


def test_phases_that_make_no_sense_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        store.add_phase(FIRST)
    connection = sqlite3.connect(tmp_path / "run" / "run.db")
    connection.execute("UPDATE phases SET health = '{'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="phases cannot be read"):
        RunReader(tmp_path / "run").phases()


@pytest.mark.parametrize(
    "change",
    [
        "load = 0",
        "load = 9e999",
        "steady_ns = begin_ns - 1",
        "steady_ns = end_ns + 1",
        "drained_ns = end_ns - 1",
        "begin_ns = -1",
        f"drained_ns = {2**62}",
        "begin_ns = 1.5",
        "number = 'x'",
        'health = \'[{"lags_us": ["x"], "cpu_s": 1, "wall_s": 1}]\'',
        'health = \'[{"lags_us": [1], "cpu_s": "x", "wall_s": 1}]\'',
    ],
)
def test_a_phase_that_nobody_could_have_run_is_refused(tmp_path: Path, change: str) -> None:
    """Such values are divided by, subtracted and sorted further on."""
    with create_run(tmp_path, INFO, SUITE) as store:
        store.add_phase(FIRST)
    connection = sqlite3.connect(tmp_path / "run" / "run.db")
    connection.execute(f"UPDATE phases SET {change}")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="phases cannot be read"):
        RunReader(tmp_path / "run").phases()


@pytest.mark.parametrize(("phases", "is_read"), [(10_000, True), (10_001, False)])
def test_more_phases_than_any_benchmark_has_are_refused(
    tmp_path: Path, phases: int, *, is_read: bool
) -> None:
    with create_run(tmp_path, INFO, SUITE):
        pass
    connection = sqlite3.connect(tmp_path / "run" / "run.db")
    rows = ((n, n, n + 1, n, n, n + 1, n + 1, "[]") for n in range(phases))
    connection.executemany("INSERT INTO phases VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    if is_read:
        assert len(RunReader(tmp_path / "run").phases()) == phases
        return
    with pytest.raises(StoreError, match="more than 10,000"):
        RunReader(tmp_path / "run").phases()


@pytest.mark.parametrize("load", [PLAN, None])
def test_only_its_end_tells_that_a_load_benchmark_is_complete(
    tmp_path: Path, load: LoadPlan | None
) -> None:
    """Its number of requests is not known beforehand; an evaluation's is."""
    with create_run(tmp_path, replace(INFO, load=load), SUITE) as store:
        store.note(RunEvent.STOPPED, 1001.0, "interrupted")
        early = store.reader().status().state
    assert RunReader(tmp_path / "run").status().state == "incomplete"
    assert early == "running"

    async def finish() -> None:
        with open_run(tmp_path / "run") as store:
            await store.add_attempt(Cell("c", ARM, SAMPLE), ATTEMPT, final=True)
            assert store.reader().status().state == ("running" if load else "complete")
            store.finish(RunEvent.COMPLETED, 1002.0)

    asyncio.run(finish())
    assert RunReader(tmp_path / "run").status().state == "complete"
