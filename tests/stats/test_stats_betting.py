import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.stats.betting import betting_bounds, e_value, winnings


def test_the_winnings_of_one_stake() -> None:
    assert e_value([1] * 12 + [-1] * 3, 0.5) == pytest.approx(16.218292, abs=1e-6)
    with pytest.raises(ValueError, match="more than there is"):
        e_value([-1], 1.5)


def test_a_mixture_is_the_mean_of_its_stakes() -> None:
    gains = [1.0, -1.0, 0.5, 1.0]
    stakes = np.geomspace(0.01, 0.95, 24)
    wanted = np.mean([e_value(gains, float(stake)) for stake in stakes])
    assert winnings(gains, 1.0).log[-1] == pytest.approx(math.log(wanted))


def test_a_fair_game_is_seldom_won_however_often_it_is_looked_at() -> None:
    """After any of 500 items; without the bettor's discount it would be most of the time."""
    chance = np.random.default_rng(2)
    won = 0
    for _ in range(400):
        gains = chance.choice([-1.0, 0.0, 1.0], p=[0.06, 0.88, 0.06], size=500)
        won += winnings(gains, 1.0).best >= math.log(20)
    assert won / 400 <= 0.05


def test_its_bounds_hold_at_every_time_and_find_a_drop() -> None:
    chance = np.random.default_rng(4)
    missed = found = 0
    for _ in range(40):
        differences = chance.choice([-1.0, 0.0, 1.0], p=[0.15, 0.8, 0.05], size=500)
        for n in (50, 150, 500):
            low, high = betting_bounds(differences[:n], 0.05, 0.05)
            missed += not low <= -0.1 <= high
        found += high < 0
    assert missed / 120 <= 0.1
    assert found >= 36


def test_clusters_are_bet_on_whole() -> None:
    """Ten items that all move together are one event, and prove less than ten."""
    together = betting_bounds([-10.0] * 6, 0.05, 0.05, sizes=[10.0] * 6)
    alone = betting_bounds([-1.0] * 60, 0.05, 0.05)
    assert alone[1] < together[1]
    assert together == betting_bounds([-1.0] * 6, 0.05, 0.05)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60))
def test_turned_around_it_says_the_same(differences: list[float]) -> None:
    low, high = betting_bounds(differences, 0.05, 0.05)
    turned = betting_bounds([-one for one in differences], 0.05, 0.05)
    assert turned == pytest.approx((-high, -low))
    assert low < high
    longer = betting_bounds([*differences, 0.0], 0.05, 0.05)
    assert longer[0] >= low
    assert longer[1] <= high


def test_nothing_seen_is_nothing_known() -> None:
    assert betting_bounds([], 0.05, 0.05) == (-1.0, 1.0)
    assert winnings([], 1.0).best == 0
    with pytest.raises(ValueError, match="below"):
        winnings([-1.2], 1.0)
