"""What a response cost."""

from stepeval.core.chat import Usage
from stepeval.core.task import Price

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
