"""How late the event loop is, sampled while it works."""

import asyncio
import time
from typing import Self

from stepeval.execution.alarm import Alarm

_EVERY_NS = 10_000_000


class LagSampler:
    """An async context manager that looks each 10 ms while it is open.

    A loop that was held up misses several times: each of them counts, as late as it was, else the
    longest delays would be sampled the least.
    """

    def __init__(self) -> None:
        self._began_ns = 0
        self._lags_us: list[int] = []

    def between(self, start_ns: int, end_ns: int) -> tuple[int, ...]:
        """How late it woke, in microseconds, where it was to wake from start to before end."""
        first = max(-(-(start_ns - self._began_ns) // _EVERY_NS) - 1, 0)
        last = max(-(-(end_ns - self._began_ns) // _EVERY_NS) - 1, 0)
        return tuple(self._lags_us[first:last])

    async def __aenter__(self) -> Self:
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sampling.cancel()
        await asyncio.gather(self._sampling, return_exceptions=True)

    async def _sample(self) -> None:
        self._began_ns = due_ns = time.monotonic_ns()
        with Alarm() as alarm:
            while True:
                due_ns += _EVERY_NS
                await alarm.at(due_ns)
                self._lags_us.append((time.monotonic_ns() - due_ns) // 1000)
