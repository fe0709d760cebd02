"""x-ratelimit-* headers: used where they say something, passed over where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.execution.told import Told, read_told


def test_limits_and_the_wait_for_what_is_used_up() -> None:
    headers = {
        "x-ratelimit-limit-requests": "400",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-requests": "1m12.5s",
        "x-ratelimit-reset-tokens": "6h",
    }
    assert read_told(headers) == Told(400, 2_000_000, 72.5)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("250ms", 0.25), ("2", 2.0), ("6m0s", 360.0), ("soon", None), ("1x2s", None)],
)
def test_waits_in_their_spellings(said: str, seconds: float | None) -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": said}
    assert read_told(headers) == Told(reset_s=seconds)


@pytest.mark.parametrize("said", ["-5", "nan", "inf", "1e300", "9" * 400, "0", "", "many"])
def test_a_limit_that_no_account_has_is_none(said: str) -> None:
    headers = {"x-ratelimit-limit-requests": said, "x-ratelimit-limit-tokens": said}
    assert read_told(headers) == Told()


def test_nothing_said_is_nothing_known() -> None:
    assert read_told(None) == read_told({}) == Told()
    assert read_told({"x-ratelimit-limit-requests": "0"}) == Told()


@given(
    st.dictionaries(
        st.sampled_from(["x-ratelimit-limit-requests", "x-ratelimit-limit-tokens"]), st.text()
    )
)
def test_no_text_breaks_it(headers: dict[str, str]) -> None:
    told = read_told(headers)
    assert all(value is None or value > 0 for value in (told.requests, told.tokens))
