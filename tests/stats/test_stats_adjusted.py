import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.stats.adjusted import Adjusted, adjusted_difference


def test_it_is_the_regression_estimator() -> None:
    """By hand: b = 0 0 1 1, y = 0 1 1 1; theta = 1/2, residuals +-1/2 twice, mean b_N = 0.6."""
    found = adjusted_difference([0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1, 1])
    assert found is not None
    assert found.value == pytest.approx((0.75 - 0.6) - 0.5 * (0.5 - 0.6))
    residuals, baseline = 0.5 / (1 * 4), 0.25 * 0.3 / 5
    assert found.error == pytest.approx(math.sqrt(residuals + baseline))
    assert (found.degrees, found.n) == (1, 4)


def test_a_whole_run_is_compared_as_it_stands() -> None:
    """With every item asked the adjustment cancels: mean y less mean b."""
    chance = np.random.default_rng(3)
    b, y = chance.random(40), chance.random(40)
    found = adjusted_difference(y, b, b)
    assert found is not None
    assert found.value == pytest.approx(y.mean() - b.mean())


def test_clusters_have_the_error_of_their_sums() -> None:
    """METRICS' example, CR1 of 0.209718 by (G - 1), with 3 degrees used up in place of one."""
    x = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0]
    names = [place // 3 for place in range(12)]
    found = adjusted_difference(x, [0] * 12, [0] * 12, clusters=names)
    assert found is not None
    assert found.value == pytest.approx(0.583333, abs=1e-6)
    assert found.error == pytest.approx(0.209718 * math.sqrt(3 / 1), abs=1e-5)
    assert (found.degrees, found.n) == (1, 4)


def test_weights_undo_that_some_items_were_asked_more_often() -> None:
    found = adjusted_difference([1, 1, 0, 0, 0], [0] * 5, [0] * 5, weights=[1, 1, 2, 2, 2])
    assert found is not None
    assert found.value == pytest.approx(2 / 8)


def test_no_flip_among_few_is_not_certainty() -> None:
    same = [1.0] * 20
    assert adjusted_difference(same, same, same) is None
    found = adjusted_difference(same, same, same, span=1.0)
    assert found is not None
    assert found.above(-0.05) < 1.5
    assert adjusted_difference([1] * 3, [0] * 3, [0] * 3, span=1.0) is None


@settings(deadline=None, max_examples=200)
@given(
    st.floats(-1, 1),
    st.floats(0.001, 1),
    st.integers(5, 500),
    st.floats(-3, 3),
    st.floats(-4, 4),
)
def test_an_interval_ends_where_its_z_says(
    value: float, error: float, n: int, skewness: float, z: float
) -> None:
    """A look is safe exactly where its repeated interval lies above the margin, and so below."""
    found = Adjusted(value, error, n - 3 if n > 3 else 1, skewness, n)
    assert found.above(found.low(z)) == pytest.approx(z, abs=1e-6)
    assert found.below(found.high(z)) == pytest.approx(z, abs=1e-6)


def test_a_mean_of_rare_drops_is_bounded_as_often_as_asked() -> None:
    """60 answers that seldom fall: t's own lower bound lies too high far more often than in 5%."""
    chance = np.random.default_rng(11)
    plain = hall = 0
    for _ in range(2_000):
        y = -(chance.random(60) < 0.06).astype(float)
        found = adjusted_difference(y, [0.0] * 60, [0.0] * 60, span=1.0)
        assert found is not None
        plain += (found.value + 0.06) / found.error > 1.67
        hall += found.low(1.645) > -0.06
    assert plain / 2_000 > 0.09
    assert hall / 2_000 < 0.05
