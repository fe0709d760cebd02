"""What is remembered is answered before the gate, and what was sent is kept."""

import asyncio
from dataclasses import dataclass, field

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
from stepeval.execution.gate import Pass, Shut
from stepeval.execution.retry import at_once, decide
from stepeval.execution.stop import StopSignal

ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))
REQUEST = Request("p", "m", ())
LOST = Failure(FailureKind.SERVER, "no", retry_after_s=60)


def cell(number: int) -> Cell:
    return Cell(str(number), Arm("a", "p", "m", "q"), Sample("s", "hi"))


@dataclass
class World:
    """Remembers the cells in ``known``; counts what passes the gate, is sent, kept and written."""

    known: dict[str, list[Response | Failure]] = field(default_factory=dict)
    unknown_is_shut: bool = False
    entered: int = 0
    sent: int = 0
    kept: list[tuple[str, int]] = field(default_factory=list)
    written: list[tuple[str, int, bool]] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)

    def recall(self, cell: Cell, request: Request) -> Exchange | None:
        assert request is REQUEST
        if self.known.get(cell.id):
            return Exchange("u", "{}", self.known[cell.id].pop(0), from_cache=True)
        if self.unknown_is_shut:
            raise Shut("not recorded")
        return None

    def keep(self, cell: Cell, request: Request, number: int, exchange: Exchange) -> None:
        assert request is REQUEST
        assert exchange.result is ANSWER
        self.kept.append((cell.id, number))

    async def enter(self, _cell: Cell, _request: Request) -> Pass:
        self.entered += 1
        return self

    def settle(self, result: Response | Failure) -> None: ...

    def forget(self) -> None: ...

    def lose(self) -> None: ...

    async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
        assert request is REQUEST
        assert scheduled_ns
        self.sent += 1
        return Exchange("u", "{}", ANSWER)

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        self.written.append((cell.id, attempt.number, final))

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        assert cell.id == "0"
        assert seconds == 0

    async def run(self, count: int) -> Execution:
        return await execute(
            map(cell, range(count)),
            make_request=lambda _: REQUEST,
            send=self.send,
            writer=self,
            listener=self,
            limits=Limits(2, 3),
            stop=self.stop,
            decide=at_once(decide),
            gate=self,
            memory=self,
        )


def test_what_is_known_passes_no_gate_and_is_not_kept_again() -> None:
    world = World({"0": [ANSWER], "2": [ANSWER]})
    assert asyncio.run(world.run(4)) == Execution(recorded=4, failed=0)
    assert world.entered == world.sent == 2
    assert sorted(world.kept) == [("1", 1), ("3", 1)]
    assert sorted(world.written) == [(str(n), 1, True) for n in range(4)]


def test_a_remembered_failure_is_retried_without_a_wait() -> None:
    world = World({"0": [LOST, LOST, ANSWER]}, unknown_is_shut=True)
    assert asyncio.run(world.run(1)) == Execution(recorded=1, failed=0)
    assert world.written == [("0", 1, False), ("0", 2, False), ("0", 3, True)]


def test_a_memory_can_end_the_run_like_a_gate() -> None:
    world = World({"0": [ANSWER]}, unknown_is_shut=True)
    assert asyncio.run(world.run(9)) == Execution(1, 0, stopped="not recorded", shut=True)
    assert world.sent == world.entered == 0


def test_decisions_at_once_differ_in_nothing_but_the_wait() -> None:
    for attempt in (1, 2, 3):
        waits = decide(LOST, attempt, 3, 0.5)
        assert at_once(decide)(LOST, attempt, 3, 0.5) == (None if waits is None else 0.0)
