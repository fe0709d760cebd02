"""Every attempt enters through the gates, and settles with each of them exactly once."""

import asyncio
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
from stepeval.core.record import Attempt
from stepeval.core.task import Arm, Cell, Limits, Sample
from stepeval.execution.executor import Execution, execute
from stepeval.execution.gate import Gates, Pass, Shut
from stepeval.execution.stop import StopSignal

ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))
REQUEST = Request("p", "m", ())


def cell(number: int) -> Cell:
    return Cell(str(number), Arm("a", "p", "m", "q"), Sample("s", "hi"))


@dataclass
class Counting:
    """Lets ``most`` through, then shuts; counts what becomes of them."""

    most: int = 1_000
    entered: int = 0
    settled: list[Response | Failure] = field(default_factory=list)
    forgotten: int = 0
    waits: bool = False

    async def enter(self, _cell: Cell, _request: Request) -> Pass:
        if self.waits:
            await asyncio.sleep(3600)
        if self.entered == self.most:
            raise Shut("the budget is spent")
        self.entered += 1
        return self

    def settle(self, result: Response | Failure) -> None:
        self.settled.append(result)

    def lose(self) -> None:
        raise AssertionError

    def forget(self) -> None:
        self.forgotten += 1

    @property
    def open(self) -> int:
        return self.entered - len(self.settled) - self.forgotten


@dataclass
class World:
    results: list[Response | Failure] = field(default_factory=lambda: [ANSWER])
    written: list[tuple[str, int, bool]] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)

    async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
        assert request is REQUEST
        assert scheduled_ns
        await asyncio.sleep(0)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        return Exchange("http://x", "{}", result)

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        self.written.append((cell.id, attempt.number, final))

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...

    async def run(self, gate: Counting | Gates, count: int = 5) -> Execution:
        return await execute(
            map(cell, range(count)),
            make_request=lambda _: REQUEST,
            send=self.send,
            writer=self,
            listener=self,
            limits=Limits(2, 3),
            stop=self.stop,
            decide=lambda _failure, number, most, *_: 0.001 if number < most else None,
            gate=gate,
        )


def test_each_attempt_enters_and_settles_with_what_came_of_it() -> None:
    gate = Counting()
    failed = Failure(FailureKind.SERVER, "no")
    asyncio.run(World([failed, ANSWER]).run(gate, count=1))
    assert gate.settled == [failed, ANSWER]
    assert gate.open == 0


def test_a_shut_gate_ends_the_run_with_its_sentence_and_leaves_the_rest() -> None:
    gate, world = Counting(most=3), World()
    execution = asyncio.run(world.run(gate))
    assert execution == Execution(recorded=3, failed=0, stopped="the budget is spent", shut=True)
    assert [final for _, _, final in world.written] == [True] * 3
    assert gate.open == 0


def test_a_gate_that_shuts_before_a_retry_leaves_the_cell_for_a_resumed_run() -> None:
    gate, world = Counting(most=1), World([Failure(FailureKind.SERVER, "no")])
    execution = asyncio.run(world.run(gate, count=1))
    assert execution.recorded == 0
    assert execution.stopped == "the budget is spent"
    assert world.written == [("0", 1, False)]


def test_what_entered_one_gate_and_not_the_next_is_forgotten_there() -> None:
    first, second = Counting(), Counting(most=2)
    execution = asyncio.run(World().run(Gates([first, second])))
    assert execution.recorded == 2
    assert first.open == second.open == 0
    assert first.forgotten >= 1


def test_a_cancelled_wait_gives_up_its_place() -> None:
    first, second = Counting(), Counting(waits=True)

    async def run() -> None:
        entering = asyncio.create_task(Gates([first, second]).enter(cell(0), REQUEST))
        await asyncio.sleep(0.01)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering

    asyncio.run(run())
    assert (first.entered, first.forgotten) == (1, 1)
