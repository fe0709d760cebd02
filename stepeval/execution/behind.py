"""Writing while the next requests already leave."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from stepeval.core.ports import RecordWriter
from stepeval.core.record import Attempt
from stepeval.core.task import Cell

_MOST_WAITING = 2_000


class WriteBehind:
    """A RecordWriter that does not wait for the disk.

    A closed loop that waited would send later than the answers allow, and so measure the disk.
    What the process may die with unwritten, and a resumed run sends again, are ``most`` attempts.
    """

    def __init__(self, writer: RecordWriter, most: int = _MOST_WAITING) -> None:
        self._writer = writer
        self._room = asyncio.Semaphore(most)
        self._waiting: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        """Returns at once, unless too many attempts wait for the disk.

        Raises:
            StoreError: This attempt or an earlier one could not be written.
        """
        await self._room.acquire()
        if self._failure is not None:
            self._room.release()
            raise self._failure
        written: Coroutine[Any, Any, None] = self._writer.add_attempt(cell, attempt, final=final)
        task = asyncio.create_task(written)
        self._waiting.add(task)
        task.add_done_callback(self._settle)

    async def flush(self) -> None:
        """Returns when all of it is on disk.

        Raises:
            StoreError: Some of it is not.
        """
        while self._waiting:
            await asyncio.wait(self._waiting)
        if self._failure is not None:
            raise self._failure

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        self._room.release()
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
