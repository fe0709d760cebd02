"""A run keeps what it is gated against and each look at it, and counts what it left out."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from test_store_baseline import made

from stepeval.core.baseline import Baseline
from stepeval.core.chat import Exchange, Failure, FailureKind, Message
from stepeval.core.errors import StoreError
from stepeval.core.gate import GatePlan, Way
from stepeval.core.record import Attempt, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.store.reader import RunState
from stepeval.store.run import RunEvent, RunReader, RunStore, create_run, open_run

ARM, ASIDE = Arm("a", "p", "m", "q"), Arm("a (confirmation)", "p", "m", "q")
SUITE = Suite(
    name="s",
    providers=(Provider("p", "https://api.example"),),
    prompts=(Prompt("q", (Message("user", "x"),)),),
    samples=(Sample("1", "one"), Sample("2", "two")),
    arms=(ARM,),
    asides=(ASIDE,),
)
PLAN = GatePlan(Way.SEQUENTIAL, {"score": 0.05}, None, "a", "a")


def new_run(root: Path, baseline: Baseline | None, plan: GatePlan | None = PLAN) -> RunStore:
    info = RunInfo("run", "s", "h", Mode.LIVE, 1.0, "h", {}, "c", gate=plan)
    return create_run(root, info, SUITE, baseline)


def record(store: RunStore, name: str, arm: Arm, sample: int) -> None:
    failure = Failure(FailureKind.SERVER, "no")
    attempt = Attempt(1, 1.0, 0, 1, Exchange("u", "{}", failure))
    cell = Cell(name, arm, SUITE.samples[sample])
    asyncio.run(store.add_attempt(cell, attempt, final=True))


def test_a_baseline_and_looks_are_there_again(tmp_path: Path) -> None:
    with new_run(tmp_path, made()) as store:
        store.add_look(0, 2.0, {"look": {"n": 1, "low": None}})
        store.add_look(1, 3.0, {"verdict": "safe"})
        with pytest.raises(StoreError):
            store.add_look(1, 3.0, {"verdict": "regressed"})
    reader = RunReader(tmp_path / "run")
    assert reader.baseline() == made()
    assert reader.looks() == ({"look": {"n": 1, "low": None}}, {"verdict": "safe"})
    assert reader.info().gate == PLAN


def test_a_plain_run_has_neither(tmp_path: Path) -> None:
    with new_run(tmp_path, None, None):
        pass
    reader = RunReader(tmp_path / "run")
    assert (reader.baseline(), reader.looks(), reader.info().may_stop) == (None, (), False)


def test_a_run_that_may_stop_is_over_when_it_says_so(tmp_path: Path) -> None:
    """And what only confirmed is none of the grid's cells."""
    with new_run(tmp_path, made()) as store:
        record(store, "one", ARM, 0)
        record(store, "again", ASIDE, 0)
        record(store, "again2", ASIDE, 1)
        assert store.reader().status().state is RunState.RUNNING
        store.finish(RunEvent.COMPLETED, 5.0)
    status = RunReader(tmp_path / "run").status()
    assert (status.state, status.finals, status.cells) == (RunState.COMPLETE, 1, 2)
    assert (status.skipped, status.attempts) == (1, 3)
    with open_run(tmp_path / "run") as store:
        store.note(RunEvent.RESUMED, 6.0)
    status = RunReader(tmp_path / "run").status()
    assert (status.state, status.skipped) == (RunState.INCOMPLETE, 0)


def test_records_are_read_from_an_attempt_on(tmp_path: Path) -> None:
    with new_run(tmp_path, made()) as store:
        record(store, "one", ARM, 0)
        reader = store.reader()
        last = reader.last_final()
        record(store, "two", ARM, 1)
        assert [r.cell.id for r in reader.beyond(last).records()] == ["two"]
        assert [r.cell.id for r in reader.records()] == ["one", "two"]
        assert list(reader.beyond(reader.last_final()).records()) == []


@pytest.mark.parametrize("margins", [{}, {"score": "x"}, {"score": 0.0}, {"score": 2.0}])
def test_a_strangers_plan_is_refused_in_a_sentence(tmp_path: Path, margins: Any) -> None:
    with new_run(tmp_path, None, GatePlan(Way.SEQUENTIAL, margins)):
        pass
    with pytest.raises(StoreError, match="its description cannot be read"):
        RunReader(tmp_path / "run")


def test_a_strangers_baseline_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with new_run(tmp_path, made()):
        pass
    with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as connection, connection:
        connection.execute("UPDATE baselines SET content = replace(content, '120.5', '1.5')")
    with pytest.raises(StoreError, match="its baseline cannot be read: it is not as it was"):
        RunReader(tmp_path / "run").baseline()
