import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.stats.spending import hwang_shih_decani, lan_demets_obrien_fleming

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_the_bounds_have_their_published_values() -> None:
    late = lan_demets_obrien_fleming(0.025, FIFTHS)
    assert late == pytest.approx((4.8769, 3.3570, 2.6803, 2.2898, 2.0310), abs=1e-4)
    even = hwang_shih_decani(0.05, FIFTHS, -2)
    assert even == pytest.approx((2.6650, 2.4603, 2.2430, 2.0195, 1.7869), abs=1e-4)


def test_one_look_is_an_ordinary_test() -> None:
    assert hwang_shih_decani(0.05, (1.0,)) == pytest.approx((1.644854,), abs=1e-6)
    assert lan_demets_obrien_fleming(0.05, (1.0,)) == pytest.approx((1.644854,), abs=1e-6)


@pytest.mark.parametrize("gamma", [-4.0, 0.0, 1.0])
def test_a_motion_without_drift_crosses_as_often_as_was_spent(gamma: float) -> None:
    """Looks at uneven moments, against 200,000 paths drawn without the integral."""
    moments = np.array((0.15, 0.2, 0.5, 0.55, 0.9, 1.0))
    bounds = np.array(hwang_shih_decani(0.05, tuple(moments), gamma))
    chance = np.random.default_rng(5)
    steps = chance.standard_normal((200_000, len(moments))) * np.sqrt(np.diff(moments, prepend=0))
    crossed = (steps.cumsum(axis=1) / np.sqrt(moments) > bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)  # four standard errors


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12, unique=True), st.floats(-5, 3))
def test_more_looks_cost_and_never_pay(places: list[int], gamma: float) -> None:
    """The last bound is never below that of a single look, and no look has none."""
    last = max(places)
    bounds = hwang_shih_decani(0.05, tuple(place / last for place in sorted(places)), gamma)
    assert bounds[-1] >= 1.644853
    assert np.isfinite(bounds).all()


@pytest.mark.parametrize("fractions", [(), (0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 0.4), (0.5, 1.2)])
def test_looks_that_do_not_rise_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising shares"):
        hwang_shih_decani(0.05, fractions)
