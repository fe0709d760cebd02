"""The run pauses while its service is down, and no cell ends by that."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

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
from stepeval.execution.breaker import BreakerGate
from stepeval.execution.circuit import Patience
from stepeval.execution.executor import Execution, execute
from stepeval.execution.gate import Shut
from stepeval.execution.retry import decide
from stepeval.execution.stop import StopSignal

ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))
DOWN = Failure(FailureKind.SERVER, "no", 500)
QUICK = Patience(give_up_after_s=0.2, failures=4, first_s=0.005, longest_s=0.02)
REQUEST = Request("p", "m", ())


def cell(number: int) -> Cell:
    return Cell(str(number), Arm("a", "p", "m", "q"), Sample("s", "hi"))


@dataclass
class World:
    """A server that is down for the requests whose number is in ``outage``."""

    outage: range
    concurrency: int = 3
    patience: Patience = QUICK
    stop: StopSignal = field(default_factory=StopSignal)
    told: list[str | None] = field(default_factory=list)
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    finals: list[Response | Failure] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    in_flight: int = 0
    most_in_outage: int = 0

    async def send(self, request: Request, *, scheduled_ns: int) -> Exchange:
        assert request is REQUEST
        assert scheduled_ns
        number = next(self.numbers)
        self.in_flight += 1
        if number in self.outage and number >= self.outage.start + 4 + self.concurrency:
            self.most_in_outage = max(self.most_in_outage, self.in_flight)
        await asyncio.sleep(0.001)
        self.in_flight -= 1
        return Exchange("http://x", "{}", DOWN if number in self.outage else ANSWER)

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        assert cell.id
        if final:
            self.finals.append(attempt.exchange.result)

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...

    def _hear(self, reason: str | None) -> None:
        self.told.append(reason)
        self.paused.set()

    async def run(self, cells: int) -> Execution:
        loop = asyncio.get_running_loop()
        gate = BreakerGate(self.patience, loop.time, self.stop, self._hear)

        def quickly(failure: Failure, *tried: float) -> float | None:
            attempt, most, jitter, spent_s = tried
            wait_s = decide(failure, int(attempt), int(most), jitter, spent_s)
            return None if wait_s is None else 0.001

        return await execute(
            map(cell, range(cells)),
            make_request=lambda _: REQUEST,
            send=self.send,
            writer=self,
            listener=self,
            limits=Limits(self.concurrency, 2),
            stop=self.stop,
            decide=gate.sparing(quickly),
            gate=gate,
        )


def test_an_outage_pauses_the_run_and_costs_no_cell_but_those_that_showed_it() -> None:
    world = World(outage=range(10, 20))
    execution = asyncio.run(world.run(40))
    assert execution.stopped is None
    assert execution.recorded == len(world.finals) == 40
    assert sum(isinstance(result, Failure) for result in world.finals) <= 2  # before it opened
    assert world.most_in_outage == 1, "one probe at a time"
    assert world.told[-1] is None
    assert str(world.told[0]).startswith("paused: 4 requests in a row failed (server: no)")


def test_a_service_that_stays_down_is_given_up_with_the_rest_left_over() -> None:
    world = World(outage=range(5, 10_000))
    execution = asyncio.run(world.run(100))
    assert execution.shut
    said = str(execution.stopped)
    assert said.startswith("the service has been down for ")
    assert said.endswith("requests in a row failed (server: no)")
    assert next(world.numbers) < 60, "probes only, and not every cell to its last attempt"
    assert execution.failed <= 2


def test_a_user_who_stops_does_not_wait_for_the_next_probe() -> None:
    patience = Patience(give_up_after_s=3600, failures=4, first_s=3600)
    world = World(outage=range(10_000), patience=patience)

    async def run() -> Execution:
        running = asyncio.create_task(world.run(100))
        await world.paused.wait()
        await asyncio.sleep(0.05)  # by now all of them wait at the gate
        world.stop.request()
        return await asyncio.wait_for(running, 30)

    execution = asyncio.run(run())
    assert execution.stopped == "the user asked to stop"
    assert not execution.shut


def test_a_failure_of_the_request_itself_ends_its_cell_even_then() -> None:
    gate = BreakerGate(QUICK, lambda: 0.0, StopSignal())
    patient = gate.sparing(decide)
    assert patient(DOWN, 4, 4, 0.5, 0.0) is None
    for _ in range(4):
        gate.settle(DOWN, probe=False)
    assert patient(DOWN, 4, 4, 0.5, 0.0) == 0.0
    assert patient(Failure(FailureKind.BAD_REQUEST, "", 400), 1, 4, 0.5, 0.0) is None


def test_a_cancelled_probe_makes_room() -> None:
    now = 0.0
    gate = BreakerGate(QUICK, lambda: now, StopSignal())

    async def run() -> None:
        nonlocal now
        for _ in range(4):
            gate.settle(DOWN, probe=False)
        now = 1.0
        probe = await gate.enter(cell(0), REQUEST)
        second = asyncio.create_task(gate.enter(cell(1), REQUEST))
        await asyncio.sleep(0)
        assert not second.done()
        probe.forget()
        (await second).settle(DOWN)
        with pytest.raises(Shut):
            await gate.enter(cell(2), REQUEST)

    asyncio.run(run())
