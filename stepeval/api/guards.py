"""The gates that a run's money and patience stand behind."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from stepeval.api.approval import question
from stepeval.api.preview import wary_preview
from stepeval.api.rest import rest_of
from stepeval.core.amounts import Money
from stepeval.core.errors import UsageError
from stepeval.core.ports import RecordWriter
from stepeval.core.pricing import wary_price
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Budget, Cell, Price, Suite
from stepeval.execution.breaker import BreakerGate
from stepeval.execution.budget import BudgetGate
from stepeval.execution.circuit import Patience
from stepeval.execution.executor import Execution
from stepeval.execution.gate import Gate
from stepeval.execution.limit_gate import patient
from stepeval.execution.retry import Decide
from stepeval.execution.stop import StopSignal
from stepeval.execution.unsettled import Unsettled
from stepeval.store.outlay import (
    stored_attempts,
    stored_requests,
    stored_seconds,
    stored_sums,
)
from stepeval.store.run import RunStore
from stepeval.store.unsettled import Unsettled as StoredUnsettled
from stepeval.suite.requests import make_request

_PATIENCE = Patience()
_FREE = Budget()


@dataclass(frozen=True, slots=True)
class Guard:
    """What the command line says of it. ``budget``: what is set there wins over the suite's.

    ``tell`` hears why the run is paused, and None when it goes on. ``approve`` gets the question
    whether so much may be spent, and raises where it may not; None: nobody is asked.
    ``ask_above``: the user's own threshold. ``watch`` gets, where the cost is bounded, what tells
    how much of it is used by now, earlier sessions included, in the budget's currency.
    """

    budget: Budget = _FREE
    tell: Callable[[str | None], None] = lambda _: None
    approve: Callable[[str], None] | None = None
    ask_above: Money | None = None
    watch: Callable[[Callable[[], float]], None] = lambda _: None


def within(suite: Suite, given: Budget) -> Suite:
    """The suite with the bounds that are ``given`` in place of its own."""
    bounds = {f.name: getattr(given, f.name) for f in fields(given)}
    chosen = {name: value for name, value in bounds.items() if value is not None}
    return replace(suite, budget=replace(suite.budget, **chosen))


def ask_first(suite: Suite, mode: Mode, guard: Guard, runs: Path) -> None:
    """Raises what ``guard.approve`` raises."""
    if guard.approve is None or mode is Mode.SIMULATED:
        return
    asked = question(wary_preview(suite, mode, runs), suite, guard.ask_above)
    if asked is not None:
        guard.approve(asked)


def ask_rest(suite: Suite, info: RunInfo, guard: Guard, runs: Path, todo: Iterable[Cell]) -> None:
    """The same of a stored run, of which only ``todo`` is sent.

    Raises what ``guard.approve`` raises.
    """
    if guard.approve is None or info.mode is Mode.SIMULATED:
        return
    rest, requests = rest_of(suite, todo, asides=info.may_stop)
    if not rest.arms:
        return
    asked = question(wary_preview(rest, info.mode, runs, requests), rest, guard.ask_above)
    if asked is not None:
        guard.approve(asked)


def check_prices(suite: Suite, mode: Mode) -> None:
    """Whether a bound on the cost can be held at all.

    Raises:
        UsageError: A price is not known, or is in another currency.
    """
    bound = suite.budget.cost
    if bound is None:
        return
    for arm in suite.every_arm:
        price = wary_price(arm, suite, mode)
        if price is None:
            raise UsageError(
                f"a budget of {bound} cannot be held: the price of {arm.model} is not known; "
                "give it under pricing: in the suite, or bound the run by --max-tokens"
            )
        if price.currency != bound.currency:
            raise UsageError(
                f"a budget of {bound} cannot be held: {arm.model} is priced in {price.currency}; "
                f"say --max-cost in {price.currency}, or run its arms apart with --arm"
            )


class Guards:
    """A run's breaker and its budget, over what its earlier sessions have used."""

    def __init__(
        self,
        suite: Suite,
        mode: Mode,
        store: RunStore,
        stop: StopSignal,
        *,
        guard: Guard,
        unsettled: StoredUnsettled | None,
    ) -> None:
        """``unsettled`` is None where nothing is bounded."""
        give_up = suite.budget.give_up_after_s
        patience = _PATIENCE if give_up is None else replace(_PATIENCE, give_up_after_s=give_up)
        self._breaker = BreakerGate(patience, time.monotonic, stop, guard.tell)
        self._stop = stop
        self._budget: BudgetGate | None = None
        if unsettled is not None:
            self._unsettled = Unsettled(unsettled.note, unsettled.lost)
            self._budget = budget = _budget_gate(suite, mode, store, self._unsettled)
            for arm, lost in unsettled.lost.items():
                budget.remember_lost(arm, lost)
            if suite.budget.cost is not None:
                guard.watch(lambda: budget.spent.cost)

    @property
    def gates(self) -> tuple[Gate, ...]:
        return (self._breaker,) if self._budget is None else (self._breaker, self._budget)

    @property
    def decide(self) -> Decide:
        return self._breaker.sparing(patient)

    def writing(self, writer: RecordWriter) -> RecordWriter:
        """``writer``, where need be one that settles what it has written."""
        return writer if self._budget is None else self._unsettled.writing(writer)

    @contextmanager
    def on_time(self) -> Iterator[None]:
        """Nothing leaves after the budget's time, whatever it waits for by then."""
        budget = self._budget
        if budget is None or budget.seconds_left is None:
            yield
            return
        loop = asyncio.get_running_loop()
        left = max(0.0, budget.seconds_left)
        timer = loop.call_later(left, lambda: self._stop.drain(budget.time_is_up()))
        try:
            yield
        finally:
            timer.cancel()

    def reason(self, execution: Execution, *, left: int, total: int) -> str | None:
        """Why the run stopped; where a budget did it, with what was spent to the last answer."""
        bound = None if self._budget is None else self._budget.shut_by
        if self._budget is None or bound is None or not execution.shut:
            return execution.stopped
        return (
            f"{self._budget.sentence()}, {left:,} of {total:,} requests are left; "
            f"resume with a higher {bound}"
        )


def _budget_gate(suite: Suite, mode: Mode, store: RunStore, unsettled: Unsettled) -> BudgetGate:
    budget = suite.budget
    prices: Mapping[str, Price | None] = {
        arm.name: wary_price(arm, suite, mode) for arm in suite.every_arm
    }
    before = 0.0 if budget.time_s is None else stored_seconds(store.path)
    gate = BudgetGate(budget, prices, time.monotonic, before, unsettled)
    if budget.cost is None and budget.tokens is None:
        gate.remember_requests(stored_requests(store.path))
        return gate
    for arm, used in stored_sums(store.path).items():
        gate.remember_sum(arm, used)
    make = make_request(suite)
    for cell, result in stored_attempts(store.path, suite):
        gate.remember(cell, make, result)
    return gate
