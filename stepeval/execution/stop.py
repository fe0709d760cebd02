"""The user's wish to stop: once for gently, twice for at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class StopSignal:
    """Ask from the event loop's own thread (``loop.add_signal_handler``)."""

    def __init__(self) -> None:
        self._asked = False
        self._draining = asyncio.Event()
        self._aborting = asyncio.Event()
        self._told: list[Callable[[], None]] = []
        self._waits: set[asyncio.Timeout] = set()
        self._why: str | None = None

    def when_draining(self, call: Callable[[], None]) -> None:
        """Has ``call`` made when nothing new shall be sent: for those who wait for else."""
        self._told.append(call)

    def request(self) -> None:
        """The first call lets requests in flight finish; the second one cancels them."""
        if self._asked:
            self._aborting.set()
        self._asked = True
        self.drain()

    def drain(self, why: str | None = None) -> None:
        """Stops gently, for a reason of the run's own; a user's first request stays the first.

        ``why``: the sentence that a user reads; the first reason stands.
        """
        if not self.draining:
            self._why = why
        self._draining.set()
        for call in self._told:
            call()
        for wait in self._waits:
            wait.reschedule(0)

    @property
    def why(self) -> str | None:
        """The run's own reason, where it was told."""
        return self._why

    @property
    def requested(self) -> bool:
        """By the user, however gently."""
        return self._asked

    @property
    def draining(self) -> bool:
        """Whether nothing new shall be sent."""
        return self._draining.is_set()

    @property
    def aborting(self) -> bool:
        """Whether everything shall end at once."""
        return self._aborting.is_set()

    async def unless_draining(self, work: Awaitable[T]) -> T | None:
        """What ``work`` comes to; None where nothing new shall be sent before it does, and it is
        then cancelled.
        """
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                try:
                    return await work
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            return None

    async def drained_within(self, seconds: float) -> bool:
        """Waits, and returns True as soon as nothing new shall be sent."""
        try:
            async with asyncio.timeout(seconds):
                await self._draining.wait()
        except TimeoutError:
            return self._draining.is_set()
        return True

    async def aborted(self) -> None:
        """Returns when everything shall end at once."""
        await self._aborting.wait()
