"""Whose word counts for what a token costs."""

import pytest

from stepeval.core.pricing import known_price, price_for, wary_price
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Price, Provider, Suite

ARM = Arm("a", "p", "step-3.7-flash", "q")
AT_HOME = Provider("p", "https://api.stepfun.ai/v1")
LIST = (0.2, 0.04, 1.15)


def wary(said: Price | None, provider: Provider = AT_HOME) -> Price | None:
    prices = {} if said is None else {ARM.model: said}
    suite = Suite("s", (provider,), (), (), (ARM,), prices=prices)
    assert price_for(ARM, suite, Mode.LIVE) == (said or known_price(ARM, suite, Mode.LIVE))
    return wary_price(ARM, suite, Mode.LIVE)


@pytest.mark.parametrize(
    ("said", "reckoned"),
    [
        (None, LIST),
        ((0.0, 0.0, 0.0), LIST),
        ((0.1, 0.04, 9.0), (0.2, 0.04, 9.0)),
        ((1.0, 1.0, 2.0), (1.0, 1.0, 2.0)),
        ((0.1, 5.0, 0.1), (5.0, 5.0, 1.15)),  # what comes from a cache may be dearer
    ],
)
def test_a_suite_can_raise_a_list_price_and_never_lower_it(
    said: tuple[float, float, float] | None, reckoned: tuple[float, float, float]
) -> None:
    price = wary(None if said is None else Price("USD", *said))
    assert price is not None
    assert (price.currency, price.input, price.cached, price.output) == ("USD", *reckoned)


def test_a_suite_cannot_hide_a_list_price_behind_another_currency() -> None:
    price = wary(Price("XAU", 0.0, 0.0, 0.0))
    assert price is not None
    assert price.currency == "USD"


def test_where_no_list_price_is_known_the_suite_s_own_is_all_there_is() -> None:
    elsewhere = Provider("p", "https://api.openai.com/v1")
    said = Price("USD", 1.0, 0.5, 2.0)
    assert wary(said, elsewhere) == said
    assert wary(None, elsewhere) is None
