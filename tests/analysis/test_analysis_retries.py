"""Second draws are told, by what made them necessary."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from stepeval.analysis.retries import kinds_in_words, reroll_warnings


def arm(share: float | None, retried: Mapping[str, int]) -> Any:
    return SimpleNamespace(arm="low", reroll_share=share, retried=retried)


def test_a_share_that_is_worth_a_word_is_told_with_its_kinds() -> None:
    (warning,) = reroll_warnings([arm(0.125, {"read_timeout": 3, "server": 12})])
    assert warning.startswith("low: 12.5% of requests were drawn again (12 server, 3 read timeout)")
    assert "shifted" in warning


@pytest.mark.parametrize("share", [None, 0.0, 0.01])
def test_few_second_draws_shift_nothing_that_shows(share: float | None) -> None:
    assert not list(reroll_warnings([arm(share, {"server": 1})]))


def test_the_commonest_kind_comes_first() -> None:
    assert kinds_in_words({"a_b": 1, "c": 2_000, "b": 1}) == "2,000 c, 1 a b, 1 b"
