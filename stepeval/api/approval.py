"""Whether a person is asked before a run is sent."""

from collections.abc import Mapping

from stepeval.api.plan import totals
from stepeval.api.preview import Preview
from stepeval.core.amounts import Money
from stepeval.core.pricing import known_price
from stepeval.core.record import Mode
from stepeval.core.task import Suite

# A slip may cost a coffee, not more. Of a currency that is not here: one unit.
_ABOVE: Mapping[str, float] = {"USD": 1.0, "CNY": 7.0}


def question(told: Preview, suite: Suite, given: Money | None) -> str | None:
    """The sentence to be agreed to; None where nothing need be asked.

    ``given`` is the user's own threshold. A suite may come from a stranger: it can lower the
    threshold and never raise it. What is not known is asked, unless it stays on this machine; a
    price that nobody but the suite names is not known either.
    """
    where = ", ".join(told.hosts)
    for currency, total in totals(told.arms).items():
        top, cap = total.cost.high, suite.budget.cost
        if cap is not None and cap.currency == currency:
            top = min(top, cap.amount)
        if top > _threshold(currency, suite.budget.confirm_above, given):
            return (
                f"{told.requests:,} requests to {where} may cost up to {Money(top, currency)} "
                f"(most likely {Money(min(top, total.cost.likely), currency)})"
            )
    unknown = sorted({arm.model for arm in told.arms if arm.cost is None and not arm.local})
    if unknown:
        return (
            f"what {told.requests:,} requests to {where} cost is not known: there is no price of "
            f"{', '.join(unknown)}"
        )
    local = {arm.name for arm in told.arms if arm.local}
    own = sorted(
        {
            arm.model
            for arm in suite.arms
            if arm.name not in local and known_price(arm, suite, Mode.LIVE) is None
        }
    )
    if own:
        return (
            f"what {told.requests:,} requests to {where} cost, only the suite says: there is no "
            f"list price of {', '.join(own)}"
        )
    return None


def _threshold(currency: str, of_suite: Money | None, given: Money | None) -> float:
    if given is not None and _speaks_of(given, currency):
        return given.amount
    usual = _ABOVE.get(currency, 1.0)
    if of_suite is not None and _speaks_of(of_suite, currency):
        return min(usual, of_suite.amount)
    return usual


def _speaks_of(above: Money, currency: str) -> bool:
    """Nothing is nothing in every currency."""
    return above.currency == currency or above.amount == 0
