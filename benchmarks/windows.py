"""Rows a second that the store takes, by how long a commit waits for more: 0, 10 and 50 ms."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.long_answers import text
from benchmarks.writer import ARM
from stepeval.core.chat import Choice, Exchange, Response, Timing, Usage
from stepeval.core.record import Attempt
from stepeval.core.task import Cell, Sample
from stepeval.store import opening, rows
from stepeval.store.writer import GroupCommit

WINDOWS_MS = (0, 10, 50)
_BODY = '{"model":"step-3.7-flash","messages":[{"role":"user","content":"%s"}]}'


def rows_per_second(folder: Path, *, at_once: int, count: int) -> Mapping[int, float]:
    """By window in ms; of two measurements, in turns, the better one."""
    found: dict[int, float] = {}
    for turn, window in itertools.product(range(2), WINDOWS_MS):
        path = folder / f"window-{at_once}-{window}-{turn}.db"
        # What waits long does fewer rows in the time that is worth measuring.
        some = max(at_once * 4, count if not window else min(count, at_once * 2_000 // window))
        rate = _measure(path, window, at_once, some)
        found[window] = max(found.get(window, 0.0), rate)
    return found


def _measure(path: Path, window_ms: int, at_once: int, count: int) -> float:
    connection = opening.create(path)
    connection.execute("COMMIT")
    writer = GroupCommit(connection, path, window_s=window_ms / 1000)
    began = time.perf_counter()
    asyncio.run(_write(writer, at_once, count))
    seconds = time.perf_counter() - began
    writer.close()
    path.unlink()
    return count / seconds


async def _write(writer: GroupCommit, at_once: int, count: int) -> None:
    numbers = iter(range(count))
    answer = Response("id", "m", (Choice(0, text(0, 2_000)),), Usage(9, 9), Timing(1, 2, 3, 4))
    attempt = Attempt(1, 1.0, 1, 2, Exchange("http://h/v1", _BODY % text(9, 300), answer))

    async def work() -> None:
        for number in numbers:
            cell = Cell(f"{number * 2654435761 % 2**128:032x}", ARM, Sample(str(number), "x"))
            await writer.perform(
                lambda connection, cell=cell: rows.insert_attempt(  # type: ignore[misc]
                    connection, cell, attempt, final=True, again=False
                )
            )

    await asyncio.gather(*(work() for _ in range(at_once)))
