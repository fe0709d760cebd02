"""A sum over the last minute, however its entries come, go and are corrected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.execution.trailing import Trailing, Use

_GAPS = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 100), st.floats(0, 100)), max_size=60)


@given(_GAPS)
def test_it_is_the_sum_of_what_lies_within_the_window(
    steps: list[tuple[float, float, float]],
) -> None:
    trailing, now, kept = Trailing(60), 0.0, list[Use]()
    for gap, amount, corrected in steps:
        now += gap
        use = trailing.add(now, amount)
        if kept:
            trailing.correct(kept[len(kept) // 2], corrected)
        kept.append(use)
        expected = sum(each.amount for each in kept if each.at > now - 60)
        assert trailing.total(now) == pytest.approx(expected, abs=1e-6)


@given(_GAPS, st.floats(1, 200), st.floats(1, 500))
def test_there_is_room_when_it_says_so_and_not_before(
    steps: list[tuple[float, float, float]], amount: float, limit: float
) -> None:
    trailing, now = Trailing(60), 0.0
    for gap, used, _ in steps:
        now += gap
        trailing.add(now, used)
    at = trailing.room_at(now, amount, limit)
    assert at >= now
    if at > now:
        assert trailing.total(now) + amount > limit
        later = at + 1e-6
        assert trailing.total(later) + amount <= limit + 1e-6 or trailing.total(later) == 0
