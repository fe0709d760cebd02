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
SECOND = replace(FIRST, number=1, load=20.5, begin_ns=10**18 + 9, health=())
ATTEMPT = Attempt(
    1, 1000.5, 1, 2,
    Exchange("u", "{}", Response(None, None, (), Usage(), Timing(1, 1, 1, 1))),
)  # fmt: skip


def _age(path: Path) -> None:
    """As a stepeval that knew no phases left it."""
    connection = sqlite3.connect(path / "run.db")
    connection.executescript(
        "DROP TABLE phases; DROP TABLE token_counts; DROP TABLE limit_changes;"
        "PRAGMA user_version = 1;"
    )
    connection.close()


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


def test_a_run_from_before_there_were_phases_has_none_until_it_is_written(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE):
        pass
    _age(tmp_path / "run")
    assert RunReader(tmp_path / "run").phases() == ()
    with open_run(tmp_path / "run") as store:
        assert store.reader().phases() == ()
        store.add_phase(FIRST)
    assert RunReader(tmp_path / "run").phases() == (FIRST,)


def test_phases_that_make_no_sense_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        store.add_phase(FIRST)
    connection = sqlite3.connect(tmp_path / "run" / "run.db")
    connection.execute("UPDATE phases SET health = '{'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="phases cannot be read"):
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
