"""A run's own file says what it has used, also for cells that are not done."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stepeval.core.chat import Choice, Exchange, Failure, FailureKind, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.outlay import Used
from stepeval.core.record import Attempt, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.store.outlay import stored_attempts, stored_requests, stored_seconds, stored_sums
from stepeval.store.run import RunEvent, RunReader, create_run, open_run

ARM = Arm("a", "p", "m", "q")
SAMPLE = Sample("s", "hi")
SUITE = Suite("s", (Provider("p", "http://x"),), (Prompt("q", ()),), (SAMPLE,), (ARM,), epochs=3)
TIMING = Timing(1, 2, 3, 4)


def response(usage: Usage) -> Response:
    return Response("1", "m", (Choice(0, "a long text " * 200),), usage, TIMING)


def attempt(result: Response | Failure, started_at: float, took_s: float, number: int) -> Attempt:
    end_ns = 7 + round(took_s * 1e9)
    return Attempt(number, started_at, 7, end_ns, Exchange("http://x", "{}", result))


def info() -> RunInfo:
    name = "20260131-235959-s-0a1b"
    return RunInfo(name, "s", "h", Mode.LIVE, 1_000.0, "host", {}, "stepeval run")


CUT = Failure(FailureKind.DISCONNECTED, "", partial=response(Usage(7, 3)))
ATTEMPTS = (
    (0, attempt(response(Usage(10, 20, 30, 5)), 1_000.5, 1.5, 1), True),
    (1, attempt(Failure(FailureKind.SERVER, "no", 500), 1_001.0, 2.0, 1), False),
    (1, attempt(CUT, 1_003.0, 1.0, 2), False),
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two sessions: one that ended without a word at 1,004, one from 5,000 to 5,002."""
    with create_run(tmp_path, info(), SUITE) as store:
        for epoch, each, final in ATTEMPTS:
            cell = Cell(str(epoch), ARM, SAMPLE, epoch)
            asyncio.run(store.add_attempt(cell, each, final=final))
    path = tmp_path / info().id
    with open_run(path) as store:
        store.note(RunEvent.RESUMED, 5_000.0)
        late = attempt(response(Usage()), 5_001.0, 1.0, 1)
        asyncio.run(store.add_attempt(Cell("2", ARM, SAMPLE, 2), late, final=True))
        store.note(RunEvent.STOPPED, 5_003.0, "enough")
    return path


def test_what_answers_said_is_summed_by_arm_without_reading_them(run: Path) -> None:
    assert stored_sums(run) == {"a": Used(2, 17, 23, 5, answers=2, longest=20)}
    assert [cell.epoch for cell, _ in stored_attempts(run, SUITE)] == [1, 2], "and only the rest"


def test_sums_of_counts_beyond_64_bits_do_not_fail(tmp_path: Path) -> None:
    huge = response(Usage(2**53, 2**53))
    with create_run(tmp_path, info(), SUITE) as store:
        for number in range(1, 1_030):
            each = attempt(huge, 1_000.0, 1.0, number)
            store_attempt = store.add_attempt(Cell("0", ARM, SAMPLE), each, final=False)
            asyncio.run(store_attempt)
    assert stored_sums(tmp_path / info().id)["a"].output > 2**63


def test_every_attempt_of_an_older_file_is_told_with_its_usage_and_kind(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        connection.execute("DELETE FROM usages")
        connection.commit()
    found = list(stored_attempts(run, SUITE))
    assert [cell.epoch for cell, _ in found] == [0, 1, 1, 2]
    results = [result for _, result in found]
    assert isinstance(results[0], Response)
    assert results[0].usage == Usage(10, 20, 30, 5)
    assert isinstance(results[1], Failure)
    assert (results[1].kind, results[1].partial) == (FailureKind.SERVER, None)
    assert isinstance(results[2], Failure)
    assert results[2].partial is not None
    assert results[2].partial.usage == Usage(7, 3)
    assert isinstance(results[3], Response)
    assert results[3].usage == Usage()
    assert stored_requests(run) == 4


def test_time_is_that_of_the_sessions_and_not_of_the_pauses_between_them(run: Path) -> None:
    assert stored_seconds(run) == pytest.approx(4.0 + 2.0)


def test_a_file_without_the_sums_is_read_and_gets_them_when_it_is_written(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        connection.execute("DROP TABLE usages")
        connection.commit()
    assert RunReader(run).status().attempts == 4
    with open_run(run):
        assert stored_sums(run) == {}
        assert len(list(stored_attempts(run, SUITE))) == 4


@pytest.mark.parametrize("value", ["-1000000", "'many'"])
def test_a_stranger_s_sums_give_nothing_back(run: Path, value: str) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        connection.execute(f"UPDATE usages SET input = {value}, output = {value}")
        connection.commit()
    try:
        assert stored_sums(run)["a"].output == 0
    except StoreError as error:
        assert "its usage cannot be read" in str(error)  # noqa: PT017  -- either is right
