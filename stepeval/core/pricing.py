"""What a response cost."""

from stepeval.core.chat import Usage
from stepeval.core.models import list_price, price_of
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Price, Suite

_MILLION = 1_000_000


def cost(usage: Usage, price: Price | None) -> float | None:
    """``(input - cached) * miss + cached * hit + output * out``, in the price's currency.

    None where the price or the token counts are unknown. A server that does not say what it
    cached is charged as if nothing was, so the cost is then an upper bound.
    """
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    return (
        (usage.input_tokens - cached) * price.input
        + cached * price.cached
        + usage.output_tokens * price.output
    ) / _MILLION


def price_for(suite: Suite, arm: Arm, mode: Mode) -> Price | None:
    """The suite's own price of the arm's model, else the list price at its host, else None.

    A simulator stands on loopback and has no price of its own: there the model's list price is
    taken, whatever address it answered from.
    """
    own = suite.prices.get(arm.model)
    if own is not None:
        return own
    at_host = price_of(arm.model, suite.provider(arm.provider).base_url)
    return list_price(arm.model) if at_host is None and mode is Mode.SIMULATED else at_host
