"""The one thread that writes. Whatever waits when it is free goes into its next transaction.

While a commit waits for the disk the next one fills by itself, so nothing is gained by waiting for
more on purpose: docs/durability.md has what was measured.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar

from stepeval.core.errors import StoreError

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]

_MOST_TOGETHER = 1_000  # bounds what one failed commit takes back


@dataclass(frozen=True, slots=True)
class _Job:
    """``done`` belongs to whoever waits: a thread, or an event loop's coroutine."""

    work: Work[Any]
    done: Future[Any] | asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Settled:
    done: Future[Any] | asyncio.Future[Any]
    result: Any
    failure: BaseException | None

    def tell(self) -> None:
        if self.done.done():
            return  # its waiter was cancelled, and does not look at it any more
        if self.failure is None:
            self.done.set_result(self.result)
        else:
            self.done.set_exception(self.failure)


class GroupCommit:
    """Owns ``connection``, which must be in autocommit mode.

    ``window_s``: how long the first that waits is made to wait for others.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, window_s: float = 0.0
    ) -> None:
        self._connection = connection
        self._window_s = window_s
        self._path = path
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        # A daemon: what was acknowledged is on disk, so a forgotten close() must not hang the exit.
        self._thread = threading.Thread(target=self._run, name="stepeval-store", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """The future has the result of ``work`` once its transaction is on disk.

        It raises StoreError where the transaction failed (nothing of it is stored), or whatever
        ``work`` raised (nothing of this work is stored).
        """
        done: Future[T] = Future()
        self._put(_Job(work, done))
        return done

    async def perform(self, work: Work[T]) -> T:
        """:meth:`submit` for coroutines. A cancelled call's work is done all the same."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Job(work, done))
        return await done

    def close(self) -> None:
        """Writes what waits, then closes the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _put(self, job: _Job) -> None:
        if self._closed:
            raise StoreError(f"{self._path}: the run was closed, nothing more can be written")
        self._queue.put(job)

    def _run(self) -> None:
        closing = False
        while not closing:
            waiting = [self._queue.get()]
            if self._window_s:
                time.sleep(self._window_s)
            while len(waiting) < _MOST_TOGETHER:
                try:
                    waiting.append(self._queue.get_nowait())
                except Empty:
                    break
            closing = None in waiting
            self._commit([job for job in waiting if job is not None])
        self._connection.close()

    def _commit(self, jobs: list[_Job]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes.extend(self._attempt(job.work) for job in jobs)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            refusal = StoreError(
                f"{self._path}: cannot be written ({error}); what was stored before is safe, and "
                "the run can be resumed once this is mended"
            )
            refusal.__cause__ = error
            outcomes = [(None, refusal)] * len(jobs)
        _tell([_Settled(job.done, *each) for job, each in zip(jobs, outcomes, strict=True)])

    def _attempt(self, work: Work[Any]) -> tuple[Any, BaseException | None]:
        """One job's result or refusal; a refusal takes back this job's rows and no other's."""
        self._connection.execute("SAVEPOINT job")
        try:
            result = work(self._connection)
        except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
            if not isinstance(error, sqlite3.IntegrityError):
                raise  # disk full, I/O: the transaction as a whole cannot be trusted
            failure: BaseException = StoreError(f"{self._path}: {error}")
        except Exception as error:  # noqa: BLE001  -- it is the waiter's, and reaches it
            failure = error
        else:
            self._connection.execute("RELEASE job")
            return result, None
        self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return None, failure


def _tell(settled: list[_Settled]) -> None:
    """Wakes each event loop once, however many of its coroutines were waiting for this commit."""
    loops: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
    for each in settled:
        if isinstance(each.done, asyncio.Future):
            loops.setdefault(each.done.get_loop(), []).append(each)
        else:
            each.tell()
    for loop, waiting in loops.items():
        with suppress(RuntimeError):  # the loop was closed: its waiters are gone
            loop.call_soon_threadsafe(_tell_all, waiting)


def _tell_all(settled: list[_Settled]) -> None:
    for each in settled:
        each.tell()
