"""Waking on time, and knowing how late one woke."""

import asyncio
import time

from stepeval.execution.alarm import Alarm
from stepeval.execution.lag import LagSampler
from stepeval.execution.stop import StopSignal

MS = 1_000_000


def test_it_never_wakes_early() -> None:
    async def check() -> None:
        with Alarm() as alarm:
            for wait in (0, 1, 3, 30):
                due = time.monotonic_ns() + wait * MS
                await alarm.at(due)
                assert time.monotonic_ns() >= due

    asyncio.run(check())


def test_a_time_that_is_past_is_not_waited_for() -> None:
    async def check() -> None:
        with Alarm() as alarm:
            await asyncio.wait_for(alarm.at(0), 5)
            assert await asyncio.wait_for(alarm.at_unless(0, StopSignal()), 5)

    asyncio.run(check())


def test_a_stop_ends_a_long_wait() -> None:
    async def check() -> None:
        stop = StopSignal()
        with Alarm() as alarm:
            asyncio.get_running_loop().call_later(0.01, stop.request)
            reached = alarm.at_unless(time.monotonic_ns() + 3_600_000 * MS, stop)
            assert not await asyncio.wait_for(reached, 10)

    asyncio.run(check())


def test_the_loop_runs_on_while_it_waits() -> None:
    async def check() -> None:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        with Alarm() as alarm:
            await alarm.at(time.monotonic_ns() + 20 * MS)
        counting.cancel()
        assert turns > 10

    asyncio.run(check())


def test_a_loop_that_is_held_up_is_late_by_as_much_at_each_time_it_missed() -> None:
    async def check() -> tuple[float, tuple[int, ...]]:
        async with LagSampler() as sampler:
            await asyncio.sleep(0.05)
            begin = time.monotonic_ns()
            time.sleep(0.1)  # noqa: ASYNC251 -- the very thing that is looked for
            end = time.monotonic_ns()
            await asyncio.sleep(0.05)
            return (end - begin) / 10 / MS, sampler.between(begin, end)

    times, lags = asyncio.run(check())
    assert times - 1 <= len(lags) <= times + 1
    assert max(lags) >= 85_000
    assert list(lags) == sorted(lags, reverse=True)
    assert sum(lag > 40_000 for lag in lags) >= 4


def test_only_the_window_that_is_asked_for_is_told() -> None:
    async def check() -> tuple[int, int]:
        async with LagSampler() as sampler:
            begin = time.monotonic_ns()
            await asyncio.sleep(0.105)
            return (
                len(sampler.between(begin + 20 * MS, begin + 60 * MS)),
                len(sampler.between(begin - 10**9, begin + 10**9)),
            )

    some, everything = asyncio.run(check())
    assert some == 4
    assert everything > some
