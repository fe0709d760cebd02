"""Ranges hold what they promise."""

import random

import pytest

from stepeval.api.estimates import Range, by_thumb, predicted


def test_a_prediction_covers_the_sum_that_comes_in_ninety_five_of_a_hundred() -> None:
    rng = random.Random(5)
    held = 0
    for _ in range(400):
        seen = [rng.gauss(500, 120) for _ in range(12)]
        total = sum(rng.gauss(500, 120) for _ in range(40))
        found = predicted(seen, 40)
        held += found.low <= total <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_formula_by_hand() -> None:
    """For n = 4, mean 2.5, s = 1.2910, t(3) = 3.1824.

    10 * 2.5 +- 3.1824 * 1.2910 * 10 * 0.5916.
    """
    found = predicted([1, 2, 3, 4], 10)
    assert found.likely == 25
    assert found.high - 25 == pytest.approx(24.306, abs=0.01)
    assert found.low == pytest.approx(0.694, abs=0.01)


def test_nothing_takes_less_than_nothing_nor_more_than_its_bound() -> None:
    assert predicted([0, 0, 0, 100], 1).low == 0
    assert by_thumb(300).at_most(400) == Range(100, 300, 400)
    assert by_thumb(300).at_most(None) == Range(100, 300, 900)
