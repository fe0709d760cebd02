"""What was read and stamped waits here to be understood: understanding must not delay a read.

A thousand streams bring a thousand chunks at once. Were each parsed as it is read, the last one
would wait for all others, and with it for its stamp's exactness: pieces that wait in a socket
are merged. So the loop reads whatever is there, and the rest is done in short turns in between.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_TURN_S = 0.001  # far below the gap between two chunks of a stream
_MOST_WOKEN = 4  # tasks a turn: what a task does with its answer takes as long as many chunks


class Desk:
    """Made with a running loop. ``put`` takes work that returns whether it woke a task."""

    def __init__(self) -> None:
        self._work: deque[Callable[[], bool]] = deque()
        self._loop = asyncio.get_running_loop()
        self._called = False

    def put(self, work: Callable[[], bool]) -> None:
        self._work.append(work)
        if not self._called:
            self._call()

    def _call(self) -> None:
        self._called = True
        self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._called = False
        until = time.perf_counter() + _TURN_S
        woken = 0
        try:
            while self._work and woken < _MOST_WOKEN and time.perf_counter() < until:
                woken += self._work.popleft()()
        finally:
            if self._work and not self._called:
                self._call()
