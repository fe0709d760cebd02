import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from stepeval.stats.bootstrap import bca, distribution, weighted_mean, weighted_ratio
from stepeval.stats.estimate import Estimate

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=25)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bca_agrees_with_scipy(seed: int) -> None:
    """On skewed values, where the percentile interval and BCa differ. Up to the draws' own noise,
    a hundredth of the interval's width for 200,000 of them.
    """
    values = np.random.default_rng(seed).lognormal(0, 1, 40)
    oracle = stats.bootstrap(
        (values,), np.mean, n_resamples=50_000, method="BCa", rng=np.random.default_rng(9)
    ).confidence_interval
    found = ends(bca(weighted_mean, (values,), draws=50_000, seed=5))
    width = oracle.high - oracle.low
    assert found == pytest.approx((oracle.low, oracle.high), abs=0.03 * width)
    plain = np.quantile(distribution(weighted_mean, (values,), 50_000, 5), [0.025, 0.975])
    assert abs(plain[1] - oracle.high) > 0.06 * width


def test_bca_of_a_ratio_agrees_with_scipy() -> None:
    chance = np.random.default_rng(4)
    right = (chance.random(30) < 0.6) * 1.0
    costs = chance.uniform(1, 3, 30)

    def of_sums(a: NDArray[np.float64], b: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.asarray(a.sum(axis) / b.sum(axis))

    oracle = stats.bootstrap(
        (costs, right),
        of_sums,
        paired=True,
        n_resamples=50_000,
        method="BCa",
        rng=np.random.default_rng(9),
    ).confidence_interval
    found = ends(bca(weighted_ratio, (costs, right), draws=50_000, seed=5))
    width = oracle.high - oracle.low
    assert found == pytest.approx((oracle.low, oracle.high), abs=0.03 * width)


@settings(deadline=None, max_examples=30)
@given(VALUES, st.integers(2, 4), st.integers(0, 99))
def test_a_cluster_is_drawn_whole(values: list[float], size: int, seed: int) -> None:
    """Each value written down more than once is no more evidence than once."""
    once = bca(weighted_mean, (values,), draws=300, seed=seed)
    names = [name for name in range(len(values)) for _ in range(size)]
    more = bca(weighted_mean, (np.repeat(values, size),), draws=300, seed=seed, clusters=names)
    assert (more.n, more.reason) == (len(values), once.reason)
    if once.low is not None:
        assert ends(more) == pytest.approx(ends(once), rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(VALUES, st.integers(0, 99), st.booleans())
def test_bounds_hold_the_value_and_turn_with_its_sign(
    values: list[float], seed: int, expanded: bool
) -> None:
    found = bca(weighted_mean, (values,), draws=300, seed=seed, expanded=expanded)
    turned = bca(weighted_mean, ([-v for v in values],), draws=300, seed=seed, expanded=expanded)
    assert found.value is not None
    if found.low is None:
        return
    low, high = ends(found)
    assert low <= found.value <= high
    assert ends(turned) == pytest.approx((-high, -low), rel=1e-9, abs=1e-9)
    again = bca(weighted_mean, (values,), draws=300, seed=seed, expanded=expanded)
    assert again == found


def test_expanded_is_wider_and_no_more_so_where_values_are_many() -> None:
    chance = np.random.default_rng(6)
    few, many = chance.normal(0, 1, 8), chance.normal(0, 1, 3_000)
    for values, least, most in ((few, 1.2, 2.0), (many, 0.98, 1.02)):
        low, high = ends(bca(weighted_mean, (values,)))
        wide_low, wide_high = ends(bca(weighted_mean, (values,), expanded=True))
        assert least < (wide_high - wide_low) / (high - low) < most


def test_memory_is_bounded_however_many_the_draws() -> None:
    """4,000 draws of 20,000 values are 640 MB at once, and the jackknife's weights 3.2 GB."""
    values = np.random.default_rng(7).lognormal(0, 1, 20_000)
    tracemalloc.start()
    found = bca(weighted_mean, (values,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    low, high = ends(found)
    expected = stats.sem(values) * 1.96
    assert (high - low) / 2 == pytest.approx(expected, rel=0.1)


def test_blocks_of_a_large_jackknife_bend_as_single_values_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(8).lognormal(0, 1, 1_500)
    single = ends(bca(weighted_mean, (values,)))
    monkeypatch.setattr("stepeval.stats.bootstrap._LEFT_OUT", 300)
    blocks = ends(bca(weighted_mean, (values,)))
    monkeypatch.setattr("stepeval.stats.bootstrap._acceleration", lambda _: 0.0)
    straight = ends(bca(weighted_mean, (values,)))
    width = single[1] - single[0]
    assert blocks == pytest.approx(single, abs=0.01 * width)
    assert abs(straight[1] - single[1]) > 0.015 * width


@pytest.mark.parametrize(
    ("values", "clusters", "value", "reason"),
    [
        ([], None, None, "no values"),
        ([2.0], None, 2.0, "one value has no spread"),
        ([2.0, 3.0], ["a", "a"], 2.5, "one value has no spread"),
        ([2.0, 2.0, 2.0], None, 2.0, "the values do not differ"),
        ([0.1] * 7, None, 0.1, "the values do not differ"),
    ],
)
def test_what_cannot_be_told_has_no_bounds_and_a_reason(
    values: list[float], clusters: list[str] | None, value: float | None, reason: str
) -> None:
    found = bca(weighted_mean, (values,), clusters=clusters)
    assert (found.low, found.high, found.reason) == (None, None, reason)
    assert found.value == pytest.approx(value)


def test_a_ratio_to_nothing_and_one_that_may_be() -> None:
    assert bca(weighted_ratio, ([1.0, 1.0], [0.0, 0.0])).value is None
    rare = bca(weighted_ratio, ([1.0] * 9, [1.0] + [0.0] * 8))
    assert (rare.value, rare.high) == (9.0, None)
    assert rare.low is not None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="infinite or not a number"):
        bca(weighted_mean, ([1.0, value],))
    with pytest.raises(ValueError, match="as many clusters"):
        bca(weighted_mean, ([1.0, 2.0],), clusters=["a"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        bca(weighted_mean, ([1.0, 2.0],), confidence=95)
