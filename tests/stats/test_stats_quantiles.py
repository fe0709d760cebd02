import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from stepeval.stats import quantiles
from stepeval.stats.paired import quantile_ratio, quantile_shift


def latencies(
    n: int, seed: int, slower: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two arms whose latencies share what the prompt asks for."""
    chance = np.random.default_rng(seed)
    prompt = chance.normal(0, 0.5, n)
    noise = chance.normal(0, 0.3, (2, n))
    return np.exp(prompt + noise[0]), slower * np.exp(prompt + noise[1])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(0, 1e3), min_size=1, max_size=30), st.floats(0.01, 0.99), st.integers(0, 999)
)
def test_a_resamples_quantile_is_numpys_of_what_it_holds(
    values: list[float], q: float, seed: int
) -> None:
    known = np.array(values)
    weights = np.random.default_rng(seed).multinomial(len(known), [1 / len(known)] * len(known), 3)
    order = np.argsort(known, kind="stable")
    found = quantiles._quantile(weights.astype(float), order, known[order], q)
    expected = [np.quantile(np.repeat(known, row), q) for row in weights]
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_where_a_resample_strays_far_all_values_are_looked_at(q: float) -> None:
    """Clusters of very unequal size, each of its own height, move the rank beyond any guess."""
    values = np.arange(2_000.0)
    weights = np.zeros((2, 2_000))
    weights[0, :100] = 1
    weights[1, 1_900:] = 3
    found = quantiles._quantile(weights, np.arange(2_000), values, q)
    expected = [np.quantile(values[:100], q), np.quantile(np.repeat(values[1_900:], 3), q)]
    assert found == pytest.approx(expected)


def test_the_shift_is_that_of_numpys_quantiles() -> None:
    a, b = latencies(300, 1, slower=1.5)
    found = quantile_shift(a, b, 0.95)
    assert found.estimate.value == pytest.approx(np.quantile(b, 0.95) - np.quantile(a, 0.95))
    assert found.p is not None
    assert found.p < 0.05
    ratio = quantile_ratio(a, b, 0.95)
    assert ratio.estimate.value == pytest.approx(np.quantile(b, 0.95) / np.quantile(a, 0.95))
    assert ratio.estimate.low is not None
    assert 1 < ratio.estimate.low < 1.5


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_it_turns_with_the_arms(q: float) -> None:
    a, b = latencies(120, 2)
    there, back = quantile_shift(a, b, q), quantile_shift(b, a, q)
    assert there.estimate.low == pytest.approx(-back.estimate.high)  # type: ignore[operator]
    assert there.p == back.p
    over, under = quantile_ratio(a, b, q).estimate, quantile_ratio(b, a, q).estimate
    assert over.low == pytest.approx(1 / under.high)  # type: ignore[operator]


def test_clusters_are_drawn_whole() -> None:
    a, b = latencies(100, 3)
    once = quantile_shift(a, b, 0.5).estimate
    names = np.arange(300) // 3
    thrice = quantile_shift(np.repeat(a, 3), np.repeat(b, 3), 0.5, clusters=names).estimate
    assert thrice.n == once.n == 100
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), rel=0.05)


def test_p95_is_covered_and_a_shift_that_is_none_is_seldom_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 runs of 150 pairs: 95% or a little more, by the error of so many runs (0.015)."""
    monkeypatch.setattr(quantiles, "DRAWS", 600)
    truth = 0.3 * np.exp(stats.norm.ppf(0.95) * np.hypot(0.5, 0.3))
    held = shown = 0
    for seed in range(200):
        found = quantile_shift(*latencies(150, seed, slower=1.3), 0.95, seed=seed).estimate
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
        shown += (quantile_shift(*latencies(150, seed), 0.95, seed=seed).p or 1) < 0.05
    assert held / 200 > 0.92
    assert shown / 200 < 0.08


def test_what_cannot_be_told_says_why() -> None:
    few = quantile_shift([1.0] * 89, [1.0] * 89, 0.95)
    assert few.estimate.reason == "n too small: p95 needs 90 values, there are 89"
    assert quantile_shift([], [], 0.5).estimate.value is None
    same = quantile_shift([1.0] * 100, [2.0] * 100, 0.95)
    assert (same.estimate.value, same.estimate.low, same.p) == (1.0, None, None)
    one = quantile_shift([1.0, 2.0], [3.0, 5.0], 0.5, clusters=["a", "a"])
    assert one.estimate.reason == "one cluster has no spread"
    assert quantile_ratio([0.0] * 9, [1.0] * 9, 0.5).estimate.reason == "a value is not above 0"
    with pytest.raises(ValueError, match="infinite or not a number"):
        quantile_shift([np.nan], [1.0], 0.5)
