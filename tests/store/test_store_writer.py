import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepeval.core.errors import StoreError
from stepeval.store.writer import GroupCommit, Work


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[GroupCommit]:
    path = tmp_path / "some.db"
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    made = GroupCommit(connection, path)
    yield made
    made.close()


class Held:
    """Keeps the writer busy, so that what is asked for meanwhile goes into one commit."""

    def __init__(self, writer: GroupCommit) -> None:
        self._go = threading.Event()
        begun = threading.Event()

        def wait(_: sqlite3.Connection) -> None:
            begun.set()
            self._go.wait(30)

        self._done = writer.submit(wait)
        begun.wait(30)

    def release(self) -> None:
        self._go.set()
        self._done.result(30)


def insert(n: int) -> Work[int | None]:
    return lambda c: c.execute("INSERT INTO numbers VALUES (?)", (n,)).lastrowid


def fail(_: sqlite3.Connection) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def stored(writer: GroupCommit) -> list[int]:
    rows = writer.submit(lambda c: c.execute("SELECT n FROM numbers ORDER BY n").fetchall())
    return [n for (n,) in rows.result(30)]


def test_a_commit_wakes_the_loop_once_for_all_its_waiters(
    writer: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wake-up for each of them would cost more than writing its row does."""
    wakes = 0

    async def run() -> list[int | None]:
        nonlocal wakes
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(*args: Any, **named: Any) -> asyncio.Handle:
            nonlocal wakes
            wakes += 1
            return wake(*args, **named)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        held = Held(writer)
        asked = [asyncio.create_task(writer.perform(insert(n))) for n in range(50)]
        await asyncio.sleep(0)
        held.release()
        return await asyncio.gather(*asked)

    assert asyncio.run(run()) == list(range(50))
    assert wakes == 1


def test_a_failed_commit_fails_every_waiter_of_either_kind(writer: GroupCommit) -> None:
    async def run() -> list[BaseException | int | None]:
        held = Held(writer)
        asked = [asyncio.create_task(writer.perform(insert(n))) for n in range(3)]
        await asyncio.sleep(0)
        thread = writer.submit(insert(3))
        refused = asyncio.create_task(writer.perform(fail))
        await asyncio.sleep(0)
        held.release()
        outcomes = await asyncio.gather(*asked, refused, return_exceptions=True)
        return [*outcomes, thread.exception(30)]

    outcomes = asyncio.run(run())
    assert [type(outcome) for outcome in outcomes] == [StoreError] * 5
    assert stored(writer) == []


def test_only_the_one_that_is_refused_fails(writer: GroupCommit) -> None:
    async def run() -> list[BaseException | int | None]:
        held = Held(writer)
        asked = [asyncio.create_task(writer.perform(insert(n))) for n in (1, 1, 2)]
        await asyncio.sleep(0)
        held.release()
        return await asyncio.gather(*asked, return_exceptions=True)

    first, again, other = asyncio.run(run())
    assert (first, type(again), other) == (1, StoreError, 2)


def test_a_cancelled_waiter_is_written_for_and_its_neighbours_are_told(
    writer: GroupCommit,
) -> None:
    async def run() -> int | None:
        held = Held(writer)
        cancelled = asyncio.create_task(writer.perform(insert(1)))
        neighbour = asyncio.create_task(writer.perform(insert(2)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        held.release()
        async with asyncio.timeout(30):
            return await neighbour

    assert asyncio.run(run()) == 2
    assert stored(writer) == [1, 2]


def test_a_loop_that_ended_before_the_commit_does_not_end_the_writer(writer: GroupCommit) -> None:
    """A second Ctrl-C: the answers on their way to the disk were paid for."""
    held = []

    async def run() -> None:
        held.append(Held(writer))
        task = asyncio.create_task(writer.perform(insert(1)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(run())
    held[0].release()
    assert stored(writer) == [1]
