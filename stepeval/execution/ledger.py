"""What a run has used, what is on its way, and whether a budget holds more. Pure."""

from enum import StrEnum

from stepeval.core.amounts import Money, duration_text
from stepeval.core.outlay import Outlay
from stepeval.core.task import Budget

_ROUNDING = 1e-9  # what sums of many small costs may be off
_NEARLY = 0.95  # of a budget: what is left is no longer worth a word


class Bound(StrEnum):
    """What a budget bounds, by the option that raises it."""

    COST = "--max-cost"
    TOKENS = "--max-tokens"
    TIME = "--max-time"
    REQUESTS = "--max-requests"


class Ledger:
    """``settled`` was used; ``guessed`` is the part of it that no server named. ``reserved`` is
    what ``open`` requests on their way may use at most. ``time_s``: how long the run has run.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.settled = self.guessed = self.reserved = Outlay()
        self.open = 0
        self.time_s = 0.0

    def lacking(self, need: Outlay) -> Bound | None:
        """The bound that would be passed if ``need`` were used as well, None where none would."""
        budget, total = self._budget, self.settled + self.reserved + need
        if budget.time_s is not None and self.time_s >= budget.time_s:
            return Bound.TIME
        if budget.cost is not None and total.cost > budget.cost.amount + _ROUNDING:
            return Bound.COST
        if budget.tokens is not None and total.tokens > budget.tokens:
            return Bound.TOKENS
        if budget.requests is not None and total.requests > budget.requests:
            return Bound.REQUESTS
        return None

    def reserve(self, need: Outlay) -> None:
        self.open += 1
        self.reserved += need

    def release(self, need: Outlay) -> None:
        self.open -= 1
        self.reserved = self.reserved - need if self.open else Outlay()

    def spend(self, used: Outlay, guessed: Outlay) -> None:
        """``guessed`` is the part of ``used`` that is an estimate."""
        self.settled += used
        self.guessed += guessed

    def sentence(self, bound: Bound, need: Outlay) -> str:
        """That ``bound`` lets nothing more through, and what was used."""
        whole, used, next_one, full = self._words(bound, need)
        if not full:
            return f"the budget of {whole} does not hold the next request, {next_one}: {used}"
        return f"the budget of {whole} is spent: {used}"

    def _words(self, bound: Bound, need: Outlay) -> tuple[str, str, str, bool]:
        budget, settled, guessed = self._budget, self.settled, self.guessed
        if bound is Bound.COST and budget.cost is not None:
            unit = budget.cost.currency
            used = f"{Money(settled.cost, unit)} spent"
            if guessed.cost > _ROUNDING:
                used += f" ({Money(guessed.cost, unit)} of it is the most that requests which do "
                used += "not say may have cost)"
            full = settled.cost >= _NEARLY * budget.cost.amount
            return str(budget.cost), used, f"which may cost {Money(need.cost, unit)}", full
        if bound is Bound.TOKENS and budget.tokens is not None:
            used = f"{settled.tokens:,} used"
            if guessed.tokens:
                used += f" ({guessed.tokens:,} of them is the most that requests which do not say "
                used += "may have used)"
            full = settled.tokens >= _NEARLY * budget.tokens
            return f"{budget.tokens:,} tokens", used, f"which may use {need.tokens:,}", full
        if bound is Bound.TIME and budget.time_s is not None:
            return duration_text(budget.time_s), f"ran for {duration_text(self.time_s)}", "", True
        return f"{budget.requests:,} requests", f"{settled.requests:,} sent", "", True
