import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stepeval.stats.estimate import Estimate, ratio
from stepeval.stats.extra_cost import cost_per_extra_correct


def drawn(gain: float, n: int = 200, seed: int = 1, dearer: float = 0.01) -> Estimate:
    chance = np.random.default_rng(seed)
    gains = chance.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8 - gain, 0.1 + gain])
    return cost_per_extra_correct(chance.normal(dearer, 0.002, n), gains)


def test_where_answers_are_gained_it_has_two_ends() -> None:
    found = drawn(0.2)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0.03 < found.low < found.value < found.high < 0.12
    assert found.reason is None


def test_where_none_may_be_gained_there_is_no_upper_end_and_it_says_so() -> None:
    found = drawn(0.05)
    assert found.value is not None
    assert found.low is not None
    assert 0 < found.low < found.value
    assert (found.high, found.reason) == (None, "it may gain no correct answer: no upper bound")


def test_where_neither_is_shown_there_is_no_end() -> None:
    found = drawn(0.04, dearer=0.0)
    assert (found.low, found.high) == (None, None)
    assert found.reason == "it may gain no correct answer: no bound"
    cheaper = drawn(0.05, dearer=-0.01)
    assert cheaper.value is not None
    assert (cheaper.low, cheaper.high, cheaper.reason) == (None, None, found.reason)


def test_where_none_is_gained_there_is_no_value() -> None:
    assert drawn(-0.1).reason == "it gives fewer correct answers"
    lost = cost_per_extra_correct([1.0] * 30, [-1.0] + [0.0] * 29)
    assert (lost.value, lost.reason) == (None, "no correct answer is gained")
    assert cost_per_extra_correct([], []).reason == "no values"


def test_one_that_gains_and_costs_less_is_below_nothing() -> None:
    found = drawn(0.2, dearer=-0.01)
    assert found.high is not None
    assert found.high < 0


@pytest.mark.parametrize("gain", [0.3, 0.05])
def test_its_ends_are_where_the_t_test_turns(gain: float) -> None:
    """At an end r, the t of mean(cost - r * gain) is the critical one: Fieller's definition."""
    chance = np.random.default_rng(7)
    costs = chance.normal(0.01, 0.002, 90)
    gains = chance.choice([-1.0, 0.0, 1.0], 90, p=[0.1, 0.8 - gain, 0.1 + gain])
    found = cost_per_extra_correct(costs, gains)
    assert found.low is not None
    for end in (found.low, found.high):
        if end is not None:
            t = stats.ttest_1samp(costs - end * gains, 0).statistic
            assert abs(t) == pytest.approx(stats.t.ppf(0.975, 89))


def test_it_is_the_ratio_where_gains_cannot_be_losses() -> None:
    costs, gains = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    found, other = cost_per_extra_correct(costs, gains), ratio(costs, gains)
    assert (found.value, found.low, found.high) == pytest.approx(
        (other.value, other.low, other.high)
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-1, 1)), max_size=40), st.integers(1, 3))
def test_copies_in_a_cluster_are_no_evidence_and_bounds_hold_the_value(
    pairs: list[tuple[int, int]], size: int
) -> None:
    costs, gains = [float(c) for c, _ in pairs], [float(g) for _, g in pairs]
    once = cost_per_extra_correct(costs, gains)
    names = np.repeat(np.arange(len(pairs)), size)
    more = cost_per_extra_correct(np.repeat(costs, size), np.repeat(gains, size), names)
    assert (more.n, more.reason) == (once.n, once.reason)
    assert (more.low is None, more.high is None) == (once.low is None, once.high is None)
    for one, other in ((once.value, more.value), (once.low, more.low), (once.high, more.high)):
        assert one is None or one == pytest.approx(other)
    if once.value is not None:
        assert once.low is None or once.low <= once.value
        assert once.high is None or once.value <= once.high


def test_it_covers_the_true_cost() -> None:
    """1,000 runs of 60 items, a gain of 25 points, the dearer the more is gained."""
    chance = np.random.default_rng(3)
    held = bounded = 0
    for _ in range(1_000):
        gains = chance.choice([-1.0, 0.0, 1.0], 60, p=[0.05, 0.65, 0.3])
        found = cost_per_extra_correct(0.01 + 0.002 * gains + chance.exponential(0.01, 60), gains)
        truth = (0.02 + 0.002 * 0.25) / 0.25
        bounded += found.high is not None
        held += (found.low is None or found.low <= truth) and (
            found.high is None or truth <= found.high
        )
    assert bounded > 800
    assert held / 1_000 == pytest.approx(0.95, abs=0.02)
