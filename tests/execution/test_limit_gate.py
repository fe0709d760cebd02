"""The gate in an event loop: in order, on time, and against a server with limits of its own."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from stepeval.client.transport import Client
from stepeval.core.chat import (
    Choice,
    Failure,
    FailureKind,
    Message,
    Request,
    Response,
    Timing,
    Usage,
)
from stepeval.core.limits import LimitChange
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Arm, Cell, Limits, Provider, Sample
from stepeval.execution.executor import Execution, execute
from stepeval.execution.expected import Expected
from stepeval.execution.limit_gate import AccountGates, LimitGate, patient
from stepeval.execution.limits import Known, Limiter
from stepeval.execution.stop import StopSignal
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.limits import AccountLimits
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import running

REQUEST = Request("p", "step-3.7-flash", (Message("user", "Hello"),), {"max_tokens": 20})
ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(5, 20, 25), Timing(0, 0, 0, 0))
REFUSED = Failure(FailureKind.RATE_LIMIT, "too many", 429)


def cell(number: int = 0, arm: str = "a") -> Cell:
    return Cell(str(number), Arm(arm, "p", "m", "q"), Sample("s", "hi"))


@dataclass
class World:
    """A gate, and what it noted; ``now`` stands still unless a test moves it."""

    known: Known
    window_s: float = 60.0
    notes: list[LimitChange] = field(default_factory=list)
    now: float = 0.0

    def gate(self) -> LimitGate:
        limiter = Limiter(self.known, self.now, window_s=self.window_s)
        return LimitGate(
            "p",
            limiter,
            Expected(),
            note=self.notes.append,
            clock=lambda: self.now,
            wall=lambda: 5.0,
        )


def test_who_waits_longest_goes_first_and_who_was_cancelled_is_passed_over() -> None:
    async def run() -> list[int]:
        gate, order = World(Known(1)).gate(), list[int]()

        async def one(number: int) -> None:
            leave = await gate.enter(cell(number), REQUEST)
            order.append(number)
            await asyncio.sleep(0)
            leave.settle(ANSWER)

        tasks = [asyncio.create_task(one(number)) for number in range(1_000)]
        await asyncio.sleep(0)
        for task in tasks[10:500:7]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order

    cancelled = set(range(10, 500, 7))
    assert asyncio.run(run()) == [number for number in range(1_000) if number not in cancelled]


def test_one_who_is_cancelled_in_the_moment_of_its_turn_gives_the_place_back() -> None:
    async def run() -> None:
        gate = World(Known(1)).gate()
        first = await gate.enter(cell(), REQUEST)
        waiting = asyncio.create_task(gate.enter(cell(), REQUEST))
        await asyncio.sleep(0)
        first.settle(ANSWER)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(gate.enter(cell(), REQUEST), 5)

    asyncio.run(run())


def test_every_change_is_noted_with_its_reason() -> None:
    async def run() -> list[LimitChange]:
        world = World(Known(2, 100))
        gate = world.gate()
        for result in (ANSWER, REFUSED, ANSWER):
            leave = await gate.enter(cell(), REQUEST)
            world.now += 100
            leave.settle(result)
            world.now += 100
        return world.notes

    notes = asyncio.run(run())
    assert [(note.kind, note.level, note.why) for note in notes[:2]] == [
        ("concurrency", 2, "known"),
        ("requests_per_minute", 100, "known"),
    ]
    assert all(note.at == 5.0 and note.provider == "p" for note in notes)


def test_a_refused_request_is_asked_again_more_often_than_a_failed_one() -> None:
    failed = Failure(FailureKind.SERVER, "no", 500)
    assert patient(REFUSED, 30, 4, 0.5, 0.0) == 0.0
    assert patient(REFUSED, 40, 4, 0.5, 0.0) is None
    assert patient(failed, 3, 4, 0.5, 0.0)
    assert patient(failed, 4, 4, 0.5, 0.0) is None


@dataclass
class Silent:
    """A store and a listener that keep the outcomes."""

    outcomes: list[Response | Failure] = field(default_factory=list)

    async def add_attempt(self, _cell: Cell, attempt: Attempt, *, final: bool) -> None:
        if final:
            self.outcomes.append(attempt.exchange.result)

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...


async def through(gate: AccountGates, url: str, cells: Iterable[Cell], silent: Silent) -> Execution:
    async with Client([Provider("p", url)], {}, mode=Mode.SIMULATED) as client:
        return await execute(
            cells,
            make_request=lambda _: REQUEST,
            send=client,
            writer=silent,
            listener=silent,
            limits=Limits(concurrency=40),
            stop=StopSignal(),
            decide=patient,
            gate=gate,
        )


@pytest.mark.parametrize("told", [False, True], ids=["hidden", "told"])
@pytest.mark.parametrize(
    "limits",
    [
        AccountLimits(concurrency=5, window_s=2),
        AccountLimits(requests_per_minute=40, window_s=2),
        AccountLimits(requests_per_minute=40, window_s=2, tell_when=True),
    ],
    ids=["concurrency", "requests", "requests, with Retry-After"],
)
def test_over_real_sockets_every_cell_is_answered_within_limits(
    limits: AccountLimits, told: bool
) -> None:
    """A minute of two seconds. Nobody is refused where the limits are known."""
    known = Known(most=40)
    if told:
        known = Known(limits.concurrency or 40, limits.requests_per_minute)
    config = SimulatorConfig(speed=Speed(ttft_ms=20, itl_ms=1), limits=limits, seed=3)
    silent, notes, count = Silent(), list[LimitChange](), 120
    with running(config) as simulator:

        async def run() -> Execution:
            limiter = Limiter(known, asyncio.get_running_loop().time(), window_s=2)
            gate = LimitGate("p", limiter, Expected(), note=notes.append)
            gates = AccountGates({"p": gate})
            return await through(gates, simulator.base_url, map(cell, range(count)), silent)

        execution = asyncio.run(asyncio.wait_for(run(), 60))
        sent = len(simulator.requests())
    assert execution == Execution(recorded=count, failed=0)
    assert all(isinstance(result, Response) for result in silent.outcomes)
    refused = sent - count
    if told:
        assert refused <= 2  # a release that the server sees later than its client
    else:
        assert refused <= 40
        assert any(note.why == "refused" for note in notes)


def test_the_tokens_of_an_answer_are_expected_from_those_before() -> None:
    expected = Expected()
    assert expected.tokens(cell(), REQUEST) == 20 + 5 / 4
    for _ in range(40):
        expected.learn(cell(), ANSWER)
    assert expected.output(cell()) == pytest.approx(20)
    assert expected.output(cell(arm="b")) is None
