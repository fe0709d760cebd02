"""What a response cost."""

from dataclasses import replace

from stepeval.core.chat import Usage
from stepeval.core.hosts import host_of, is_loopback
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


def price_for(arm: Arm, suite: Suite, mode: Mode) -> Price | None:
    """The suite's own price of the model, else the list price at the provider's host.

    None: not known.
    """
    return suite.prices.get(arm.model) or known_price(arm, suite, mode)


def known_price(arm: Arm, suite: Suite, mode: Mode) -> Price | None:
    """The list price at the provider's host, whatever the suite says.

    A simulator on this machine is charged as the service it stands for.
    """
    base_url = suite.provider(arm.provider).base_url
    if mode is Mode.SIMULATED and is_loopback(host_of(base_url)):
        return list_price(arm.model)
    return price_of(arm.model, base_url)


def wary_price(arm: Arm, suite: Suite, mode: Mode) -> Price | None:
    """What budgets and questions reckon with: a suite may come from a stranger, so that its own
    price can raise a known one, and never lower it. Nothing read from a cache costs more.
    """
    said, known = price_for(arm, suite, mode), known_price(arm, suite, mode)
    if said is None:
        return None
    if known is None or known == said:
        return replace(said, input=max(said.input, said.cached))
    if said.currency != known.currency:
        return known
    return replace(
        known,
        input=max(known.input, said.input, said.cached),
        cached=max(known.cached, said.cached),
        output=max(known.output, said.output),
    )
