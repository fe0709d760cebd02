"""What a user should know of a suite's own prices before they are relied on."""

from collections.abc import Iterator

from stepeval.core.errors import Problem
from stepeval.core.pricing import known_price, wary_price
from stepeval.core.record import Mode
from stepeval.core.task import Price, Suite


def price_doubts(suite: Suite, mode: Mode) -> Iterator[Problem]:
    """Where list prices are reckoned with instead, and where a budget has only their word."""
    arms = {arm.model: arm for arm in suite.arms if arm.model in suite.prices}
    for model, arm in arms.items():
        said, known = suite.prices[model], known_price(arm, suite, mode)
        if known is None and suite.budget.cost is not None and mode is Mode.LIVE:
            yield Problem(
                f"the budget of {suite.budget.cost} is only as good as the suite's own price of "
                f"{model} ({_words(said)}): no list price is known"
            )
        elif known is not None and _terms(wary_price(arm, suite, mode)) != _terms(said):
            yield Problem(
                f"the suite's price of {model} ({_words(said)}) is lower than its list price of "
                f"{known.as_of} ({_words(known)}), or in another currency: budgets and questions "
                "reckon with the dearer one"
            )


def _terms(price: Price | None) -> tuple[object, ...]:
    return () if price is None else (price.currency, price.input, price.cached, price.output)


def _words(price: Price) -> str:
    each = f"{price.input:g} in, {price.cached:g} cached, {price.output:g} out"
    return f"{each} {price.currency} a million tokens"
