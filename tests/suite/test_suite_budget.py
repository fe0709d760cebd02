"""What a suite says its runs may use."""

from pathlib import Path

import pytest

from stepeval.core.amounts import Money
from stepeval.core.errors import SuiteError
from stepeval.core.task import Budget, Suite
from stepeval.suite.loader import read_suite

SUITE = "stepeval: 1\nname: s\ndefaults: {model: m}\ndataset: [{input: x}]\n"


def read(text: str) -> Suite:
    return read_suite(SUITE + text, Path("s.yaml"), scorers={}).suite


def test_every_bound_is_read_in_its_unit() -> None:
    suite = read(
        "budget: {cost: 5 USD, tokens: 1000, time: 1h30m, requests: 9, confirm_above: 0.5CNY, "
        "give_up_after: 3m}\n"
    )
    assert suite.budget == Budget(Money(5, "USD"), 1000, 5400, 9, Money(0.5, "CNY"), 180)
    assert read("").budget == Budget()
    assert read("budget: {confirm_above: 0 USD}\n").budget.confirm_above == Money(0, "USD")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cost: 5", "s.yaml:5:16: cost must be an amount and its currency, such as 5USD, not '5'"),
        ("cost: 0 USD", "cost must be an amount"),
        ("time: 2", "s.yaml:5:16: time must be a time with its unit"),
        ("confirm_above: much", "confirm_above must be an amount"),
        ("give_up_after: 3", "give_up_after must be a time with its unit"),
        ("tokens: 0", "tokens must be at least 1"),
        ("token: 1", "did you mean 'tokens'?"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, sentence: str) -> None:
    with pytest.raises(SuiteError) as error:
        read(f"budget: {{{text}}}\n")
    assert sentence in str(error.value)
