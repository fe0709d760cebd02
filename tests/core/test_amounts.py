"""Money and time as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.core.amounts import (
    Money,
    duration_text,
    parse_duration,
    parse_money,
    parse_threshold,
)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [("5USD", 5.0, "USD"), ("0.50 cny", 0.5, "CNY"), (" 12.5 EUR ", 12.5, "EUR")],
)
def test_an_amount_has_its_currency(text: str, amount: float, currency: str) -> None:
    assert parse_money(text) == Money(amount, currency)


@pytest.mark.parametrize("text", ["5", "$5", "USD5", "-5USD", "0USD", "5 dollars", "", "1e3USD"])
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 5USD"):
        parse_money(text)


def test_only_a_threshold_may_be_nothing() -> None:
    assert parse_threshold("0USD") == Money(0, "USD")
    assert parse_threshold("0.5 eur") == Money(0.5, "EUR")
    for text in ("0", "-1USD", "9" * 400 + "USD"):
        with pytest.raises(ValueError, match="such as 5USD"):
            parse_threshold(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("10m", 600), ("10 min", 600), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_a_time_has_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["2", "h", "", "0s", "2 days", "-1h", "1h x"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (5, "5 USD"), (4.98, "4.98 USD"), (0.5, "0.50 USD"), (0.01887, "0.0189 USD"),
        (1234.5, "1,234.50 USD"), (0, "0 USD"), (0.0100001, "0.01 USD"), (7e-7, "0.0000007 USD"),
    ],
)  # fmt: skip
def test_small_amounts_keep_the_digits_that_count(amount: float, text: str) -> None:
    assert str(Money(amount, "USD")) == text


@given(st.integers(min_value=1, max_value=10**6))
def test_a_duration_reads_back_to_its_two_largest_units(seconds: int) -> None:
    assert 0 <= seconds - parse_duration(duration_text(seconds)) < 60


@pytest.mark.parametrize("digits", ["9" * 400, "1" + "0" * 13])
def test_what_no_sum_could_hold_is_refused_and_not_quoted_at_length(digits: str) -> None:
    with pytest.raises(ValueError, match="such as 5USD") as money:
        parse_money(f"{digits}USD")
    with pytest.raises(ValueError, match="such as 30s") as time:
        parse_duration(f"{digits}h")
    assert len(str(money.value)) < 200
    assert len(str(time.value)) < 200
