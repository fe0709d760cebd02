"""The gate that holds a budget: what a request may use is reserved before it is sent."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepeval.core.chat import Failure, Request, Response, Usage
from stepeval.core.outlay import Outlay, Used
from stepeval.core.pricing import cost
from stepeval.core.task import Budget, Cell, Price
from stepeval.execution.gate import Pass, Shut
from stepeval.execution.ledger import Bound, Ledger
from stepeval.execution.outlay import OutputBound, input_bound, usage_of
from stepeval.execution.unsettled import Unsettled


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The most tokens a request may use."""

    input: int
    output: int


class BudgetGate:
    """Lets a request through where the budget holds it on top of all that is on its way.

    One that does not fit waits for those in flight, which mostly use less than was reserved; where
    none is in flight, nothing more may leave. So what was used can pass the budget only by what an
    answer is longer than its bound, and that only where nothing but a guess bounds it.
    """

    def __init__(
        self,
        budget: Budget,
        prices: Mapping[str, Price | None],
        clock: Callable[[], float],
        ran_before_s: float = 0.0,
        unsettled: Unsettled | None = None,
    ) -> None:
        """``prices`` are by arm, each known and in the budget's currency where it bounds costs.
        ``clock`` is monotonic, in seconds; ``ran_before_s`` the time of earlier sessions.
        ``unsettled`` hears what leaves, before it does.
        """
        self._time_s = budget.time_s
        self._unsettled = unsettled
        self._ledger = Ledger(budget)
        self._prices = prices if budget.cost is not None else {}
        self._outputs: dict[str, OutputBound] = {}
        self._clock = clock
        self._began = clock() - ran_before_s
        self._change = asyncio.Event()
        self._refused: tuple[Bound, Outlay] | None = None

    @property
    def spent(self) -> Outlay:
        return self._ledger.settled

    @property
    def shut_by(self) -> Bound | None:
        """What was spent, where something was; None while requests may leave."""
        return None if self._refused is None else self._refused[0]

    def sentence(self) -> str | None:
        """Why nothing more leaves, with what was used by now; None while something may."""
        return None if self._refused is None else self._ledger.sentence(*self._refused)

    @property
    def seconds_left(self) -> float | None:
        """Until its time is up; None where time is not bounded."""
        return None if self._time_s is None else self._time_s - (self._clock() - self._began)

    def time_is_up(self) -> str:
        """Lets nothing more through, and says why."""
        self._ledger.time_s = self._clock() - self._began
        self._refused = self._refused or (Bound.TIME, Outlay())
        self._wake()
        return self._ledger.sentence(*self._refused)

    async def enter(self, cell: Cell, request: Request) -> Pass:
        while True:
            bounds = self._bounds(cell, request)
            need = self._outlay(cell, Usage(bounds.input, bounds.output))
            bound = self._lacking(need)
            if bound is None:
                self._ledger.reserve(need)
                if self._unsettled is not None:
                    self._unsettled.left(cell, Used(1, bounds.input, bounds.output))
                return _Reservation(self, cell, bounds, need)
            if self._refused is not None or bound is Bound.TIME or not self._ledger.open:
                self._refused = self._refused or (bound, need)
                self._wake()
                raise Shut(self._ledger.sentence(*self._refused))
            await self._change.wait()

    def remember(
        self, cell: Cell, make_request: Callable[[Cell], Request], result: Response | Failure
    ) -> None:
        """Counts an attempt of an earlier session that need not say what it used."""
        usage, bounds = usage_of(result), _Bounds(0, 0)
        if usage.input_tokens is None or usage.output_tokens is None:
            bounds = self._bounds(cell, make_request(cell))
        self._count(cell, bounds, usage)

    def remember_sum(self, arm: str, used: Used) -> None:
        """The same of all that said what they used, together."""
        self._outputs.setdefault(arm, OutputBound()).add(used.longest, used.answers)
        self._ledger.spend(self._sum(arm, used), Outlay())

    def remember_lost(self, arm: str, used: Used) -> None:
        """Those that left, and of which nobody knows what they used: ``used`` is the most."""
        total = self._sum(arm, used)
        self._ledger.spend(total, total)

    def remember_requests(self, count: int) -> None:
        """Attempts of earlier sessions where neither tokens nor cost are bounded."""
        self._ledger.spend(Outlay(count), Outlay())

    def settle(self, reservation: "_Reservation", result: Response | Failure) -> None:
        self._ledger.release(reservation.need)
        self._count(reservation.cell, reservation.bounds, usage_of(result))
        self._wake()

    def forget(self, reservation: "_Reservation") -> None:
        self._ledger.release(reservation.need)
        if self._unsettled is not None:
            self._unsettled.stayed(reservation.cell)
        self._wake()

    def lose(self, reservation: "_Reservation") -> None:
        """It stays unsettled: a resumed run counts it."""
        self._ledger.release(reservation.need)
        self._ledger.spend(reservation.need, reservation.need)
        self._wake()

    def _lacking(self, need: Outlay) -> Bound | None:
        if self._refused is not None:
            return self._refused[0]
        self._ledger.time_s = self._clock() - self._began
        return self._ledger.lacking(need)

    def _bounds(self, cell: Cell, request: Request) -> _Bounds:
        return _Bounds(input_bound(request), self._output(cell).of(request))

    def _output(self, cell: Cell) -> OutputBound:
        return self._outputs.setdefault(cell.arm.name, OutputBound())

    def _count(self, cell: Cell, bounds: _Bounds, usage: Usage) -> None:
        """What a server does not say counts at its bound."""
        said_in, said_out = usage.input_tokens, usage.output_tokens
        if said_out:
            self._output(cell).add(said_out)
        total = Usage(
            bounds.input if said_in is None else max(0, said_in),
            bounds.output if said_out is None else max(0, said_out),
            cached_tokens=usage.cached_tokens,
        )
        guess = Usage(
            bounds.input if said_in is None else 0, bounds.output if said_out is None else 0
        )
        self._ledger.spend(self._outlay(cell, total), self._outlay(cell, guess))

    def _outlay(self, cell: Cell, usage: Usage) -> Outlay:
        said = Used(1, usage.input_tokens or 0, usage.output_tokens or 0, usage.cached_tokens or 0)
        return self._sum(cell.arm.name, said)

    def _sum(self, arm: str, used: Used) -> Outlay:
        usage = Usage(used.input, used.output, cached_tokens=used.cached)
        price = self._prices.get(arm)
        return Outlay(used.requests, used.input + used.output, cost(usage, price) or 0.0)

    def _wake(self) -> None:
        waiting, self._change = self._change, asyncio.Event()
        waiting.set()


@dataclass(frozen=True, slots=True)
class _Reservation:
    gate: BudgetGate
    cell: Cell
    bounds: _Bounds
    need: Outlay

    def settle(self, result: Response | Failure) -> None:
        self.gate.settle(self, result)

    def forget(self) -> None:
        self.gate.forget(self)

    def lose(self) -> None:
        self.gate.lose(self)
