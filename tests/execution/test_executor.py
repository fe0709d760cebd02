"""Every cell ends with one record, or is left whole for a resumed run."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable, Iterator
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
from stepeval.core.task import Arm, Cell, Limits, Sample
from stepeval.execution.executor import Execution, execute
from stepeval.execution.stop import StopSignal

ARM = Arm("a", "p", "m", "q")
SAMPLE = Sample("s", "hi")
ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))


def cells(count: int) -> list[Cell]:
    return [Cell(str(number), ARM, SAMPLE) for number in range(count)]


def failed(kind: FailureKind, message: str = "no") -> Failure:
    return Failure(kind, message)


@dataclass
class World:
    """Send, writer and listener of a run, which keep what they were told.

    ``script`` gives the results of a cell's attempts by its id; the last one stays.
    """

    script: dict[str, list[Response | Failure]] = field(default_factory=dict)
    otherwise: Response | Failure = ANSWER
    before_send: Callable[["World", str], Awaitable[None]] | None = None
    broken_after: int | None = None
    sent: list[str] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    written: list[tuple[str, int, bool]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    stop: StopSignal = field(default_factory=StopSignal)

    def make_request(self, cell: Cell) -> Request:
        self.made.append(cell.id)
        return Request("p", cell.id, ())

    async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
        cell = request.model
        self.sent.append(cell)
        self.due.append(scheduled_ns)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if self.before_send is not None:
                await self.before_send(self, cell)
        finally:
            self.in_flight -= 1
        results = self.script.get(cell, [self.otherwise])
        place = min(self.sent.count(cell), len(results)) - 1 if cell in self.script else 0
        return Exchange("http://x", "{}", results[place])

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        await asyncio.sleep(0)
        if self.broken_after is not None and len(self.written) >= self.broken_after:
            raise StoreError("the disk is full")
        self.written.append((cell.id, attempt.number, final))
        self.attempts.append(attempt)

    def started(self, *, total: int, already_done: int) -> None:
        raise AssertionError(f"{total} and {already_done} are not the executor's to tell")

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        assert (cell.id, attempt.number, final) in self.written, "told before it was on disk"

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        assert cell.id in self.made
        self.waits.append(seconds)

    async def run(
        self,
        todo: Iterable[Cell],
        *,
        concurrency: int = 3,
        wait_s: float = 0.001,
        attempts: int = 3,
    ) -> Execution:
        def decide(
            failure: Failure, attempt: int, most: int, jitter: float, spent_s: float
        ) -> float | None:
            assert 0 <= jitter <= 1
            assert spent_s > 0
            again = failure.kind is FailureKind.SERVER and attempt < most
            return wait_s if again else None

        return await execute(
            todo,
            make_request=self.make_request,
            send=self.send,
            writer=self,
            listener=self,
            limits=Limits(concurrency, attempts),
            stop=self.stop,
            decide=decide,
        )

    @property
    def finals(self) -> list[str]:
        return [cell for cell, _, final in self.written if final]


def test_every_cell_gets_one_record() -> None:
    world = World()
    assert asyncio.run(world.run(cells(50))) == Execution(recorded=50, failed=0)
    assert sorted(world.finals, key=int) == [cell.id for cell in cells(50)]
    assert world.most_in_flight == 3


def test_nothing_to_do_is_done() -> None:
    assert asyncio.run(World().run([])) == Execution(recorded=0, failed=0)


def test_a_retry_is_the_same_request_and_each_attempt_is_written() -> None:
    world = World({"0": [failed(FailureKind.SERVER), ANSWER]})
    assert asyncio.run(world.run(cells(1))) == Execution(recorded=1, failed=0)
    assert world.written == [("0", 1, False), ("0", 2, True)]
    assert world.made == ["0"]
    assert world.waits == [0.001]


def test_attempts_end_and_the_failure_is_the_record() -> None:
    world = World({"0": [failed(FailureKind.SERVER)]})
    assert asyncio.run(world.run(cells(2))) == Execution(recorded=2, failed=1)
    assert [row for row in world.written if row[0] == "0"] == [
        ("0", 1, False),
        ("0", 2, False),
        ("0", 3, True),
    ]


def test_an_attempt_knows_when_it_was_due_began_and_ended() -> None:
    world = World({"0": [failed(FailureKind.SERVER), ANSWER]})
    asyncio.run(world.run(cells(1), wait_s=0.02))
    first, second = world.attempts
    due = world.due
    assert due[0] <= first.started_ns <= first.ended_ns <= due[1] <= second.started_ns
    assert due[1] - first.ended_ns >= 15_000_000, "a retry is due when its wait is over"
    assert first.started_at <= second.started_at
    assert second.turn == 0


@pytest.mark.parametrize(
    "kind", [FailureKind.AUTHENTICATION, FailureKind.BALANCE, FailureKind.SIMULATED]
)
def test_a_refusal_of_the_account_stops_the_run_and_leaves_its_cell(kind: FailureKind) -> None:
    async def slow(_: World, cell: str) -> None:
        if cell != "5":
            await asyncio.sleep(0.01)

    world = World({"5": [failed(kind, "pay first")]}, before_send=slow)
    outcome = asyncio.run(world.run(cells(1000)))
    assert outcome.fatal == failed(kind, "pay first")
    assert outcome.stopped is not None
    assert "pay first" in outcome.stopped
    assert ("5", 1, False) in world.written
    assert "5" not in world.finals
    assert outcome.recorded == len(world.finals)
    assert len(world.sent) <= 8, "nothing new was sent"
    assert len(world.written) == len(world.sent), "what was in flight finished"


def test_a_refusal_ends_the_waits_of_others() -> None:
    async def late(_: World, cell: str) -> None:
        if cell == "1":
            await asyncio.sleep(0.02)

    script: dict[str, list[Response | Failure]] = {
        "0": [failed(FailureKind.SERVER)],
        "1": [failed(FailureKind.BALANCE)],
    }
    world = World(script, before_send=late)
    outcome = asyncio.run(asyncio.wait_for(world.run(cells(2), wait_s=60), 10))
    assert outcome.recorded == 0
    assert world.written == [("0", 1, False), ("1", 1, False)]


@pytest.mark.parametrize(
    "kind",
    [FailureKind.NOT_FOUND, FailureKind.BAD_REQUEST, FailureKind.CONNECT, FailureKind.TLS],
)
def test_a_run_in_which_nothing_works_stops_early(kind: FailureKind) -> None:
    world = World(otherwise=failed(kind, "wrong address"))
    outcome = asyncio.run(world.run(cells(1000)))
    assert 20 <= outcome.recorded <= 23
    assert outcome.failed == outcome.recorded
    assert outcome.fatal is None
    assert outcome.stopped is not None
    assert "wrong address" in outcome.stopped


def test_one_answer_is_hope_enough() -> None:
    world = World({"7": [ANSWER]}, otherwise=failed(FailureKind.NOT_FOUND))
    assert asyncio.run(world.run(cells(100))) == Execution(recorded=100, failed=99)


def test_failures_that_differ_are_no_wrong_address() -> None:
    script: dict[str, list[Response | Failure]] = {
        str(number): [failed(FailureKind.MODERATION)] for number in range(0, 100, 10)
    }
    world = World(script, otherwise=failed(FailureKind.NOT_FOUND))
    assert asyncio.run(world.run(cells(100), concurrency=1)).recorded == 100


def stopping_at(cell: str, times: int = 1) -> Callable[[World, str], Awaitable[None]]:
    async def hook(world: World, sent: str) -> None:
        if sent == cell:
            for _ in range(times):
                world.stop.request()
            await asyncio.sleep(0.02)

    return hook


def test_a_stop_lets_what_is_in_flight_finish_and_sends_nothing_new() -> None:
    world = World(before_send=stopping_at("4"))
    outcome = asyncio.run(world.run(cells(100)))
    assert outcome.stopped is not None
    assert len(world.sent) <= 7
    assert sorted(world.finals) == sorted(world.sent)
    assert outcome.recorded == len(world.sent)


def test_a_stop_ends_a_wait_and_leaves_that_cell_for_later() -> None:
    async def late(world: World, cell: str) -> None:
        if cell == "1":
            await asyncio.sleep(0.02)
            world.stop.request()

    world = World({"0": [failed(FailureKind.SERVER)]}, before_send=late)
    outcome = asyncio.run(asyncio.wait_for(world.run(cells(2), wait_s=60), 10))
    assert outcome.stopped is not None
    assert world.finals == ["1"]
    assert ("0", 1, False) in world.written


def test_a_stop_allows_no_retry_of_what_was_in_flight() -> None:
    world = World({"0": [failed(FailureKind.SERVER)]}, before_send=stopping_at("0"))
    outcome = asyncio.run(world.run(cells(1)))
    assert world.written == [("0", 1, False)]
    assert world.waits == []
    assert outcome.recorded == 0
    assert outcome.stopped is not None


def test_a_second_stop_cancels_what_is_in_flight() -> None:
    async def endless(world: World, cell: str) -> None:
        if cell == "2":
            world.stop.request()
            world.stop.request()
        if cell != "0":
            await asyncio.sleep(3600)

    world = World(before_send=endless)
    outcome = asyncio.run(asyncio.wait_for(world.run(cells(100)), 10))
    assert outcome.stopped is not None
    assert world.finals == ["0"]
    assert world.in_flight == 0


def test_a_stop_after_the_last_cell_left_nothing_out() -> None:
    world = World(before_send=stopping_at("2"))
    assert asyncio.run(world.run(cells(3))) == Execution(recorded=3, failed=0)


def test_the_runs_own_stop_leaves_the_users_first_one_gentle() -> None:
    stop = StopSignal()
    stop.drain()
    assert stop.draining
    assert not stop.requested
    stop.request()

    async def aborted() -> bool:
        try:
            await asyncio.wait_for(stop.aborted(), 0.01)
        except TimeoutError:
            return False
        return True

    assert not asyncio.run(aborted())
    stop.request()
    assert asyncio.run(aborted())


def test_a_store_that_fails_cancels_the_rest_and_is_reported() -> None:
    async def endless(_: World, cell: str) -> None:
        if cell == "1":
            await asyncio.sleep(3600)

    world = World(before_send=endless, broken_after=4)
    with pytest.raises(StoreError, match="disk is full"):
        asyncio.run(asyncio.wait_for(world.run(cells(100)), 10))
    assert len(world.written) == 4
    assert world.in_flight == 0


def test_a_cancelled_run_leaves_no_request_behind() -> None:
    async def endless(_: World, __: str) -> None:
        await asyncio.sleep(3600)

    world = World(before_send=endless)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(world.run(cells(100)), 0.05))
    assert world.in_flight == 0
    assert world.written == []


def test_cells_are_taken_as_workers_come_free() -> None:
    taken = 0

    def endless() -> Iterator[Cell]:
        nonlocal taken
        for cell in cells(1000):
            taken += 1
            yield cell

    async def hook(world: World, cell: str) -> None:
        assert taken - len(world.finals) <= 3
        if cell == "500":
            world.stop.request()

    world = World(before_send=hook)
    asyncio.run(world.run(endless()))
    assert taken < 510


def test_memory_does_not_grow_with_the_number_of_cells() -> None:
    class Forgetful(World):
        async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
            del request, scheduled_ns
            return Exchange("", "", ANSWER)

        async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
            pass

        def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
            pass

        def make_request(self, cell: Cell) -> Request:
            return Request("p", cell.id, ())

    lazily = (Cell(str(number), ARM, SAMPLE) for number in range(20_000))
    tracemalloc.start()
    try:
        outcome = asyncio.run(Forgetful().run(lazily))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.recorded == 20_000
    assert peak < 1_000_000
