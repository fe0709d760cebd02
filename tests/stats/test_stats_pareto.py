import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.stats.pareto import front, front_shares

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(POINTS)
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    """By its definition, one pair of points at a time."""
    unbeaten = {
        place
        for place, (cost, gain) in enumerate(points)
        if not any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)
    }
    found = front(points)
    assert set(found) == unbeaten
    assert len(found) == len(unbeaten)
    costs = [points[place][0] for place in found]
    assert costs == sorted(costs)


def test_an_arm_that_is_always_beaten_has_no_share_and_the_cheapest_has_all() -> None:
    chance = np.random.default_rng(1)
    costs = chance.uniform(1, 1.1, (60, 4)) * [1, 2, 3, 4]
    gains = chance.uniform(0, 0.1, (60, 4)) + np.array([0.5, 0.2, 0.7, 0.7])
    cheapest, beaten, third, fourth = front_shares(costs, gains)
    assert (cheapest, beaten, third) == (1.0, 0.0, 1.0)
    assert 0 < fourth < 1
    assert front_shares(costs, gains, seed=1)[3] == pytest.approx(fourth, abs=0.05)
    assert front_shares(costs, gains) == (cheapest, beaten, third, fourth)


def test_clusters_are_resampled_whole() -> None:
    """Items written down three times are no more evidence than once."""
    chance = np.random.default_rng(2)
    costs, gains = np.ones((20, 2)) * [1, 2], chance.uniform(0, 1, (20, 2))
    once = front_shares(costs, gains)
    thrice = front_shares(
        np.repeat(costs, 3, axis=0), np.repeat(gains, 3, axis=0), clusters=np.arange(60) // 3
    )
    assert thrice == pytest.approx(once)


@pytest.mark.parametrize(
    ("costs", "gains"),
    [([[1.0]], [[1.0, 2.0]]), ([1.0], [1.0]), (np.ones((0, 2)), np.ones((0, 2)))],
)
def test_other_shapes_are_refused(costs: object, gains: object) -> None:
    with pytest.raises(ValueError, match="shape"):
        front_shares(costs, gains)  # type: ignore[arg-type]  # arrays of any shape
    with pytest.raises(ValueError, match="infinite"):
        front_shares([[1.0], [np.inf]], [[1.0], [1.0]])
    with pytest.raises(ValueError, match="infinite"):
        front([(1.0, float("nan"))])
