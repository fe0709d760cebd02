"""An open loop sends on time, whatever became of the requests before."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from stepeval.core.chat import (
    Choice,
    Exchange,
    Failure,
    FailureKind,
    Request,
    Response,
    Timing,
    Usage,
)
from stepeval.core.errors import StoreError
from stepeval.core.record import Attempt
from stepeval.core.task import Arm, Cell, Sample
from stepeval.execution.attempt import Rooms
from stepeval.execution.behind import WriteBehind
from stepeval.execution.executor import Execution
from stepeval.execution.open_loop import execute_open
from stepeval.execution.stop import StopSignal

ARM, SAMPLE = Arm("a", "p", "m", "q"), Sample("s", "hi")
ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))
MS = 1_000_000


@dataclass
class World:
    """Send, writer and listener, which keep what they were told."""

    result: Response | Failure = ANSWER
    before_answer: Callable[[int], Awaitable[None]] | None = None
    broken_after: int | None = None
    due: list[int] = field(default_factory=list)
    sent_ns: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    written: list[tuple[str, int, bool]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    stop: StopSignal = field(default_factory=StopSignal)

    def make_request(self, cell: Cell) -> Request:
        self.made.append(time.monotonic_ns())
        return Request("p", cell.id, ())

    async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
        self.due.append(scheduled_ns)
        self.sent_ns.append(time.monotonic_ns())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.before_answer is not None:
                await self.before_answer(int(request.model))
        finally:
            self.in_flight -= 1
        return Exchange("http://x", "{}", self.result)

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        if self.broken_after is not None and len(self.written) >= self.broken_after:
            raise StoreError("the disk is full")
        self.written.append((cell.id, attempt.number, final))

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...

    async def run(self, offsets_ms: list[int], *, attempts: int = 1, most: int = 100) -> Execution:
        self.begin = time.monotonic_ns() + 20 * MS
        arrivals = (
            (self.begin + offset * MS, Cell(str(number), ARM, SAMPLE))
            for number, offset in enumerate(offsets_ms)
        )
        rooms = Rooms(
            self.make_request, self.send, self, self, self.stop, attempts,
            decide=lambda _, attempt, most, *__: 0.03 if attempt < most else None,
        )  # fmt: skip
        return await execute_open(arrivals, rooms=rooms, most=most)


def test_each_request_is_due_at_its_own_time_and_made_before_it() -> None:
    world = World()
    outcome = asyncio.run(world.run([0, 10, 20, 30]))
    assert outcome == Execution(recorded=4, failed=0)
    assert world.due == [world.begin + offset * MS for offset in (0, 10, 20, 30)]
    assert all(
        made < due <= sent
        for made, due, sent in zip(world.made, world.due, world.sent_ns, strict=True)
    )


def test_a_stalled_server_delays_no_request() -> None:
    """Whoever waits for an answer before sending hides how long the others would have waited."""
    answered = asyncio.Event()

    async def stall(number: int) -> None:
        if number == 9:
            answered.set()
        await answered.wait()

    world = World(before_answer=stall)
    outcome = asyncio.run(asyncio.wait_for(world.run([n * 5 for n in range(10)]), 20))
    assert outcome.recorded == 10
    assert world.most_in_flight == 10


def test_a_retry_does_not_shift_the_schedule() -> None:
    world = World(result=Failure(FailureKind.SERVER, "no"))
    outcome = asyncio.run(world.run([0, 10, 20], attempts=2))
    assert outcome == Execution(recorded=3, failed=3)
    firsts = sorted(world.due)[:3]
    assert {world.begin + offset * MS for offset in (0, 10, 20)} <= set(world.due)
    assert firsts[0] == world.begin
    assert len(world.due) == 6
    assert sorted(world.written)[:2] == [("0", 1, False), ("0", 2, True)]


def test_too_many_in_flight_end_in_a_sentence() -> None:
    async def endless(_: int) -> None:
        await world.stop.drained_within(3600)

    world = World(before_answer=endless)
    outcome = asyncio.run(asyncio.wait_for(world.run(list(range(50)), most=10), 20))
    assert world.most_in_flight == 10
    assert outcome.recorded == 10
    assert outcome.stopped is not None
    assert "10 requests are in flight" in outcome.stopped


def test_a_stop_sends_nothing_new_and_waits_for_answers() -> None:
    async def stop_at_three(number: int) -> None:
        if number == 3:
            world.stop.request()
        await asyncio.sleep(0.03)

    world = World(before_answer=stop_at_three)
    outcome = asyncio.run(asyncio.wait_for(world.run([*range(0, 40, 10), 3_600_000]), 20))
    assert outcome == Execution(recorded=4, failed=0, stopped="the user asked to stop")
    assert world.in_flight == 0


def test_a_second_stop_cancels_what_is_in_flight() -> None:
    async def endless(number: int) -> None:
        if number == 1:
            world.stop.request()
            world.stop.request()
        await asyncio.sleep(3600)

    world = World(before_answer=endless)
    outcome = asyncio.run(asyncio.wait_for(world.run([0, 5, 10]), 20))
    assert outcome.recorded == 0
    assert world.in_flight == 0


def test_a_refusal_of_the_account_stops_the_load() -> None:
    world = World(result=Failure(FailureKind.BALANCE, "pay first"))
    outcome = asyncio.run(world.run([n * 10 for n in range(100)]))
    assert outcome.fatal is not None
    assert len(world.due) < 10


def test_a_store_that_fails_cancels_the_rest_and_is_reported() -> None:
    async def endless(number: int) -> None:
        if number == 0:
            await asyncio.sleep(3600)

    world = World(before_answer=endless, broken_after=2)
    with pytest.raises(StoreError, match="disk is full"):
        asyncio.run(asyncio.wait_for(world.run([n * 5 for n in range(100)]), 20))
    assert world.in_flight == 0


def test_arrivals_that_are_late_all_leave_and_answers_get_their_turn() -> None:
    world = World()
    outcome = asyncio.run(world.run([0] * 200, most=1000))
    assert outcome.recorded == 200
    assert world.most_in_flight < 200


class Slow:
    """A writer that is let go on by the test."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.written = 0

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        del attempt, final
        await self.go_on.wait()
        self.written += 1
        if cell.id == "bad":
            raise StoreError("the disk is full")


def attempt() -> Attempt:
    return Attempt(1, 0.0, 0, 0, Exchange("", "", ANSWER))


def cell(name: str) -> Cell:
    return Cell(name, ARM, SAMPLE)


def test_writing_behind_waits_for_nothing_until_it_is_flushed() -> None:
    async def check() -> None:
        slow = Slow()
        behind = WriteBehind(slow)
        for number in range(20):
            await asyncio.wait_for(behind.add_attempt(cell(str(number)), attempt(), final=True), 5)
        assert slow.written == 0
        slow.go_on.set()
        await behind.flush()
        assert slow.written == 20

    asyncio.run(check())


def test_writing_behind_holds_no_more_than_its_bound() -> None:
    async def check() -> None:
        slow = Slow()
        behind = WriteBehind(slow, most=2)
        for number in range(2):
            await behind.add_attempt(cell(str(number)), attempt(), final=True)
        third = asyncio.create_task(behind.add_attempt(cell("2"), attempt(), final=True))
        await asyncio.sleep(0.01)
        assert not third.done()
        slow.go_on.set()
        await third

    asyncio.run(check())


def test_a_failure_behind_reaches_the_next_write_and_the_flush() -> None:
    async def check() -> None:
        slow = Slow()
        slow.go_on.set()
        behind = WriteBehind(slow)
        await behind.add_attempt(cell("bad"), attempt(), final=True)
        await asyncio.sleep(0.01)
        with pytest.raises(StoreError, match="disk is full"):
            await behind.add_attempt(cell("good"), attempt(), final=True)
        with pytest.raises(StoreError, match="disk is full"):
            await behind.flush()

    asyncio.run(check())
