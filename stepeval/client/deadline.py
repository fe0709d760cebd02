"""One moment that something must have happened by, put off again and again at little cost."""

import asyncio
import time
from collections.abc import Callable

FOREVER = float("inf")


class Deadline:
    """``on_due`` is called when the moment of the last :meth:`set` has come.

    A timer that was set for an earlier moment is left to fire and is then set anew: most
    deadlines are put off at every read, and setting a timer costs more than the read does.
    """

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._loop = asyncio.get_running_loop()
        self._due_ns = self._timer_ns = FOREVER
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due_ns: float) -> None:
        """Monotonic nanoseconds; FOREVER for never."""
        self._due_ns = due_ns
        if due_ns < self._timer_ns:
            self._start()

    def cancel(self) -> None:
        """For good."""
        self._on_due = _nothing  # whoever it belongs to holds this, and shall not be held by it
        self._due_ns = self._timer_ns = FOREVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = self._due_ns
        left_s = (self._due_ns - time.monotonic_ns()) / 1e9
        self._timer = self._loop.call_later(max(left_s, 0.0), self._look)

    def _look(self) -> None:
        self._timer, self._timer_ns = None, FOREVER
        if time.monotonic_ns() >= self._due_ns:
            self._due_ns = FOREVER
            self._on_due()
        elif self._due_ns < FOREVER:
            self._start()


def _nothing() -> None:
    pass
