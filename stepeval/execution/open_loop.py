"""All requests when they are due, whatever is in flight: nothing a server does delays the next."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stepeval.core.task import Cell
from stepeval.execution.alarm import Alarm
from stepeval.execution.attempt import Rooms, ask
from stepeval.execution.executor import Crew, Execution

MOST_IN_FLIGHT = 20_000  # of some 50 KB each: more would end in dead memory, not in a result
_TURN = 32  # requests that leave at one go where many are due, before answers get their turn


async def execute_open(
    arrivals: Iterable[tuple[int, Cell]], *, rooms: Rooms, most: int = MOST_IN_FLIGHT
) -> Execution:
    """Sends each cell at its due time (monotonic ns, rising), its request made beforehand.

    Latency counts from the due time, so that a stalled server cannot hide what it delays. A retry
    is a later attempt of the same cell; the schedule goes on beside it.

    Raises:
        StoreError: An attempt could not be written; requests in flight are cancelled.
    """
    crowd = _Crowd(arrivals, rooms, most)
    tasks = (asyncio.create_task(crowd.run()), asyncio.create_task(rooms.stop.aborted()))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0] in done:
            tasks[0].result()  # raises what a request raised
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return crowd.outcome()


class _Crowd:
    """Requests on their way, each a task of its own."""

    def __init__(self, arrivals: Iterable[tuple[int, Cell]], rooms: Rooms, most: int) -> None:
        self._arrivals: Iterator[tuple[int, Cell]] = iter(arrivals)
        self._rooms = rooms
        self._most = most
        self._crew = Crew(self._arrivals, rooms)
        self._in_flight = 0
        self._too_many: str | None = None

    async def run(self) -> None:
        try:
            with Alarm() as alarm:
                async with asyncio.TaskGroup() as group:
                    await self._send_all(group, alarm)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _send_all(self, group: asyncio.TaskGroup, alarm: Alarm) -> None:
        stop, at_one_go = self._rooms.stop, 0
        while not stop.draining and (arrival := next(self._arrivals, None)) is not None:
            due_ns, cell = arrival
            request = self._rooms.make_request(cell)
            if due_ns > self._rooms.clock.monotonic_ns():
                at_one_go = 0
                if not await alarm.at_unless(due_ns, stop):
                    self._crew.leave_out()
                    return
            elif (at_one_go := at_one_go + 1) % _TURN == 0:
                await asyncio.sleep(0)
            if self._in_flight >= self._most:
                self._refuse()
                return
            self._in_flight += 1
            task = group.create_task(self._crew.follow(ask(cell, request, due_ns, self._rooms)))
            task.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._in_flight -= 1

    def _refuse(self) -> None:
        self._crew.leave_out()
        self._too_many = (
            f"{self._most:,} requests are in flight and none may be added: the server does not "
            "keep up with this load; ask for a lower one"
        )
        self._rooms.stop.drain()

    def outcome(self) -> Execution:
        outcome = self._crew.outcome()
        return outcome if self._too_many is None else replace(outcome, stopped=self._too_many)
