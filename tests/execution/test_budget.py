"""A budget holds: what was used and what is on its way never pass it together."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.amounts import Money
from stepeval.core.chat import Choice, Failure, FailureKind, Request, Response, Timing, Usage
from stepeval.core.outlay import Used
from stepeval.core.task import Arm, Budget, Cell, Price, Sample
from stepeval.execution.budget import BudgetGate
from stepeval.execution.gate import Pass, Shut
from stepeval.execution.ledger import Bound
from stepeval.execution.unsettled import Unsettled

CELL = Cell("1", Arm("a", "p", "m", "q"), Sample("s", "hi"))
PRICE = Price("USD", 1.0, 0.1, 2.0)  # a million tokens
REQUEST = Request("p", "m", (), {"max_tokens": 1_000})
MILLI = 0.002  # what a thousand output tokens cost


def answer(tokens: int | None, cached: int | None = None) -> Response:
    known = None if tokens is None else 0
    usage = Usage(known, tokens, cached_tokens=cached)
    return Response("1", "m", (Choice(0, "x"),), usage, Timing(0, 0, 0, 0))


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    budget: Budget
    clock: Clock = field(default_factory=Clock)
    ran_before: float = 0.0

    def gate(self) -> BudgetGate:
        return BudgetGate(self.budget, {"a": PRICE}, self.clock, self.ran_before)


def usd(amount: float) -> Budget:
    return Budget(cost=Money(amount, "USD"))


async def shut(gate: BudgetGate, request: Request = REQUEST) -> str:
    with pytest.raises(Shut) as error:
        await gate.enter(CELL, request)
    return str(error.value)


def test_what_was_said_counts_and_not_what_was_reserved() -> None:
    async def run() -> None:
        gate = World(usd(2.5 * MILLI)).gate()
        for _ in range(3):
            (await gate.enter(CELL, REQUEST)).settle(answer(500))
        assert gate.spent.cost == pytest.approx(1.5 * MILLI)
        assert gate.spent.tokens == 1_500
        (await gate.enter(CELL, REQUEST)).settle(answer(500))
        sentence = await shut(gate)
        assert sentence == (
            "the budget of 0.005 USD does not hold the next request, which may cost 0.002 USD: "
            "0.004 USD spent"
        )
        assert gate.shut_by is Bound.COST

    asyncio.run(run())


def test_unknown_usage_counts_at_its_bound_and_is_told_apart() -> None:
    async def run() -> None:
        gate = World(Budget(tokens=2_000)).gate()
        (await gate.enter(CELL, REQUEST)).settle(Failure(FailureKind.READ_TIMEOUT, ""))
        (await gate.enter(CELL, REQUEST)).settle(answer(None))
        assert await shut(gate) == (
            "the budget of 2,000 tokens is spent: 2,000 used (2,000 of them is the most that "
            "requests which do not say may have used)"
        )

    asyncio.run(run())


def test_a_refusal_costs_nothing_but_a_request() -> None:
    async def run() -> None:
        gate = World(Budget(tokens=1_000, requests=3)).gate()
        for _ in range(3):
            (await gate.enter(CELL, REQUEST)).settle(Failure(FailureKind.RATE_LIMIT, ""))
        assert gate.spent.tokens == 0
        assert await shut(gate) == "the budget of 3 requests is spent: 3 sent"

    asyncio.run(run())


def test_what_does_not_fit_waits_for_those_in_flight_and_may_fit_then() -> None:
    async def run() -> None:
        gate = World(Budget(tokens=2_500)).gate()
        first, second = [await gate.enter(CELL, REQUEST) for _ in range(2)]
        third = asyncio.create_task(_enter(gate))
        await asyncio.sleep(0)
        assert not third.done()
        first.settle(answer(10))
        entered = await third
        second.forget()
        entered.settle(answer(10))
        assert gate.spent.tokens == 20
        assert gate.shut_by is None

    asyncio.run(run())


def test_all_who_wait_are_turned_away_when_nothing_is_left() -> None:
    async def run() -> None:
        gate = World(Budget(tokens=1_000)).gate()
        first = await gate.enter(CELL, REQUEST)
        waiting = [asyncio.create_task(shut(gate)) for _ in range(5)]
        await asyncio.sleep(0)
        first.settle(answer(1_000))
        assert set(await asyncio.gather(*waiting)) == {
            "the budget of 1,000 tokens is spent: 1,000 used"
        }

    asyncio.run(run())


def test_time_counts_what_earlier_sessions_took_and_ends_with_requests_in_flight() -> None:
    async def run() -> None:
        world = World(Budget(time_s=3600), ran_before=3000)
        gate = world.gate()
        await gate.enter(CELL, REQUEST)
        world.clock.now += 599
        await gate.enter(CELL, REQUEST)
        world.clock.now += 1
        assert await shut(gate) == "the budget of 1 h is spent: ran for 1 h"

    asyncio.run(run())


def test_a_resumed_run_counts_what_it_spent_before() -> None:
    async def run() -> None:
        gate = World(Budget(tokens=3_000)).gate()
        gate.remember(CELL, lambda _: REQUEST, answer(700))
        gate.remember(CELL, lambda _: REQUEST, Failure(FailureKind.DISCONNECTED, ""))
        gate.remember(CELL, lambda _: REQUEST, Failure(FailureKind.RATE_LIMIT, ""))
        assert gate.spent.tokens == 1_700
        assert gate.spent.requests == 3
        (await gate.enter(CELL, REQUEST)).settle(answer(1_000))
        await shut(gate)

    asyncio.run(run())


def test_what_a_server_caches_is_charged_as_cached() -> None:
    async def run() -> None:
        gate = World(usd(1)).gate()
        usage = Usage(1_000_000, 0, cached_tokens=1_000_000)
        cached = Response("1", "m", (Choice(0, "x"),), usage, Timing(0, 0, 0, 0))
        (await gate.enter(CELL, REQUEST)).settle(cached)
        assert gate.spent.cost == pytest.approx(0.1)

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1_000, 50_000), st.integers(1, 20))
def test_settled_and_reserved_never_pass_the_budget(seed: int, most: int, workers: int) -> None:
    """Whatever comes back, in whatever order, as long as max_tokens bounds the answers."""
    rng = random.Random(seed)
    gate = World(Budget(tokens=most)).gate()
    in_flight = 0

    async def work() -> None:
        nonlocal in_flight
        while True:
            asked = Request("p", "m", (), {"max_tokens": rng.randint(1, 1_500)})
            bound = asked.params["max_tokens"]
            try:
                entered = await gate.enter(CELL, asked)
            except Shut:
                return
            in_flight += bound
            assert gate.spent.tokens + in_flight <= most
            for _ in range(rng.randint(0, 3)):
                await asyncio.sleep(0)
            in_flight -= bound
            _end(entered, rng, bound)
            assert gate.spent.tokens <= most

    async def all_of_them() -> None:
        await asyncio.gather(*(work() for _ in range(workers)))

    asyncio.run(asyncio.wait_for(all_of_them(), 30))
    assert gate.shut_by is Bound.TOKENS


def _end(entered: Pass, rng: random.Random, bound: int) -> None:
    draw = rng.random()
    if draw < 0.1:
        entered.forget()
    elif draw < 0.4:
        entered.settle(Failure(FailureKind.SERVER, "", 500))
    else:
        entered.settle(answer(rng.randint(1, bound)))


async def _enter(gate: BudgetGate) -> Pass:
    return await gate.enter(CELL, REQUEST)


def test_what_is_on_its_way_or_not_on_disk_stays_owed() -> None:
    """A killed process cannot say what became of it; one that was never sent owes nothing."""
    told: list[Used] = []
    unsettled = Unsettled(lambda _, used: told.append(used), {"a": Used(1, 10, 100)})

    async def run() -> None:
        clock = Clock()
        gate = BudgetGate(Budget(tokens=10_000), {}, clock, unsettled=unsettled)
        gate.remember_lost("a", Used(1, 10, 100))
        assert gate.spent.tokens == 110
        first, second, third = [await gate.enter(CELL, REQUEST) for _ in range(3)]
        assert told[-1] == Used(4, 10, 3_100)
        third.forget()
        second.lose()
        first.settle(answer(7))
        assert told[-1] == Used(3, 10, 2_100), "back, and not on disk"
        unsettled.kept(CELL)
        assert told[-1] == Used(2, 10, 1_100)
        assert gate.spent.tokens == 110 + 1_000 + 7, "a lost one counts at its bound"

    asyncio.run(run())


def test_when_the_time_is_up_all_who_wait_are_told() -> None:
    async def run() -> None:
        world = World(Budget(tokens=1_000, time_s=60))
        gate = world.gate()
        await gate.enter(CELL, REQUEST)
        waiting = asyncio.create_task(shut(gate))
        await asyncio.sleep(0)
        world.clock.now += 60
        assert gate.seconds_left == 0
        assert gate.time_is_up() == "the budget of 1 min is spent: ran for 1 min"
        assert await waiting == "the budget of 1 min is spent: ran for 1 min"

    asyncio.run(run())
