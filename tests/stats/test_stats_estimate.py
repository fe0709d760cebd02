import math
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stepeval.stats.estimate import (
    clustered_mean,
    geometric_mean,
    mean_t,
    percentile,
    ranks,
    ratio,
    smallest_n,
    wilson,
)

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.490162, 0.943318),
        (0, 20, 0, 0.161125),
        (10, 10, 0.722467, 1),
        (80, 100, 0.711171, 0.866633),
    ],
)
def test_wilson_has_its_published_values(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
    assert found.value == successes / n


def test_wilson_agrees_with_scipy_everywhere() -> None:
    for n in (1, 2, 7, 50, 1000):
        for successes in {0, 1, n // 2, n}:
            oracle = stats.binomtest(successes, n).proportion_ci(0.9, method="wilson")
            found = wilson(successes, n, 0.9)
            assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "p", "coverage"), [(10, 0.9, 0.930), (20, 0.9, 0.957), (50, 0.9, 0.970)]
)
def test_wilson_covers_by_enumeration(n: int, p: float, coverage: float) -> None:
    total = 0.0
    for k in range(n + 1):
        found = wilson(k, n)
        assert found.low is not None
        assert found.high is not None
        if found.low <= p <= found.high:
            total += float(stats.binom.pmf(k, n, p))
    assert total == pytest.approx(coverage, abs=5e-4)


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_the_mean_agrees_with_scipy(values: list[float]) -> None:
    found = mean_t(values)
    assert found.value == pytest.approx(np.mean(values), abs=1e-6)
    spread = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread or 1e-300)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-4)


def test_nothing_has_no_mean_and_one_value_no_interval() -> None:
    assert mean_t([]).value is None
    one = mean_t([3.0])
    assert (one.value, one.low, one.high, one.n) == (3.0, None, None, 1)
    assert wilson(0, 0).value is None
    assert mean_t([2.0, 2.0]).low == 2.0


def test_the_clustered_mean_has_its_reference_value() -> None:
    """1 1 1 0 0 0 1 1 0 1 1 0 in clusters of 3: standard error 0.209718 (CR1)."""
    found = clustered_mean([3, 0, 2, 2], [3, 3, 3, 3])
    assert found.value == pytest.approx(0.583333, abs=1e-6)
    assert found.high is not None
    error = (found.high - 0.583333) / stats.t.ppf(0.975, 3)
    assert (error, found.n) == (pytest.approx(0.209718, abs=1e-6), 4)


def test_unbalanced_clusters_weigh_by_their_size() -> None:
    """By hand: p = 3/5, residuals 4 * 0.6 - 3 = -0.6 and 0.6, so SE = sqrt(2 * 0.72) / 5."""
    found = clustered_mean([3, 0], [4, 1])
    assert found.value == pytest.approx(0.6)
    assert found.high is not None
    assert (found.high - 0.6) / stats.t.ppf(0.975, 1) == pytest.approx(1.44**0.5 / 5)


@settings(deadline=None, max_examples=60)
@given(VALUES, st.integers(1, 5))
def test_balanced_clusters_are_the_mean_of_their_means(values: list[float], size: int) -> None:
    found, means = clustered_mean([v * size for v in values], [size] * len(values)), mean_t(values)
    for one, other in ((found.value, means.value), (found.low, means.low)):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)


def test_a_cluster_without_values_is_none() -> None:
    assert clustered_mean([3, 0, 1], [4, 0, 2]) == clustered_mean([3, 1], [4, 2])
    assert clustered_mean([0], [0]).reason == "no values"
    one = clustered_mean([1], [2])
    assert (one.value, one.low, one.high, one.n) == (0.5, None, None, 1)


@pytest.mark.parametrize(("q", "n"), [(0.9, 44), (0.95, 90), (0.99, 459), (0.5, 1), (0.25, 1)])
def test_no_percentile_without_data_to_hold_it(q: float, n: int) -> None:
    assert smallest_n(q) == n
    assert percentile([1.0] * n, q).value == 1.0
    fewer = percentile([1.0] * (n - 1), q)
    assert fewer.value is None
    assert fewer.reason is not None
    if n > 1:
        assert 1 - q ** (n - 1) < 0.99 <= 1 - q**n
        assert f"needs {n} values, there are {n - 1}" in fewer.reason


@pytest.mark.parametrize(
    ("n", "q", "expected"),
    [
        (100, 0.95, (90, 100)),
        (200, 0.95, (184, 197)),
        (500, 0.95, (465, 485)),
        (500, 0.99, (490, 500)),
        (100, 0.99, (97, 101)),
    ],
)
def test_order_statistic_ranks_have_their_published_values(
    n: int, q: float, expected: tuple[int, int]
) -> None:
    assert ranks(n, q) == expected


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 20_000), st.floats(0.01, 0.99), st.sampled_from([0.8, 0.95, 0.99]))
def test_ranks_hold_the_quantile_with_the_confidence_they_claim(
    n: int, q: float, confidence: float
) -> None:
    low, high = ranks(n, q, confidence)
    inside = stats.binom.cdf(high - 1, n, q) - stats.binom.cdf(low - 1, n, q)
    assert inside >= confidence - 1e-9
    tail = (1 - confidence) / 2
    assert stats.binom.cdf(low - 1, n, q) < tail + 1e-9


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1e6), min_size=90, max_size=120), st.sampled_from([0.5, 0.9, 0.95]))
def test_a_percentile_is_numpys(values: list[float], q: float) -> None:
    found = percentile(values, q)
    assert found.value == pytest.approx(np.quantile(values, q), abs=1e-6)
    assert found.low is not None
    assert found.value is not None
    assert found.low <= found.value


def test_a_rank_beyond_the_sample_is_no_bound() -> None:
    assert percentile(range(459), 0.99, confidence=0.99).high is None
    few = percentile([1.0, 2.0, 3.0], 0.5)
    assert (few.value, few.low, few.high) == (2.0, None, None)


def test_fieller_covers_where_the_naive_ratio_does_not() -> None:
    """600 samples of 30 items, half of them right, the right ones cheaper: 95% of intervals hold
    the true cost per correct answer, within the simulation's own error.
    """
    chance = random.Random(5)
    truth = (0.5 * 2.0 + 0.5 * 4.0) / 0.5
    held = 0
    for _ in range(600):
        right = [float(chance.random() < 0.5) for _ in range(30)]
        costs = [(2.0 if r else 4.0) * chance.uniform(0.5, 1.5) for r in right]
        found = ratio(costs, right)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.93 < held / 600 < 0.975


def test_fieller_solves_its_own_equation() -> None:
    """At either end r the t statistic of mean(cost - r * correct) is the critical one."""
    costs, right = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    found = ratio(costs, right)
    assert found.value == pytest.approx(23 / 5)
    for end in (found.low, found.high):
        assert end is not None
        statistic = stats.ttest_1samp(np.array(costs) - end * np.array(right), 0).statistic
        assert abs(statistic) == pytest.approx(stats.t.ppf(0.975, 5), rel=1e-9)


def test_a_ratio_to_nothing_or_almost_nothing_says_so() -> None:
    assert ratio([], []).reason == "no values"
    assert ratio([1.0, 2.0], [0.0, 0.0]).reason == "the denominator is 0"
    rare = ratio([1.0] * 20, [1.0] + [0.0] * 19)
    assert (rare.value, rare.low, rare.high) == (20.0, None, None)
    assert rare.reason is not None
    assert ratio([2.0], [1.0]).low is None


def test_the_geometric_mean_is_the_mean_of_logarithms() -> None:
    values = [1.0, 10.0, 100.0]
    found = geometric_mean(values)
    logs = mean_t([math.log(v) for v in values])
    assert logs.low is not None
    assert (found.value, found.low) == pytest.approx((10.0, math.exp(logs.low)))
    assert geometric_mean([1.0, 0.0]).value is None
    assert geometric_mean([]).reason == "no values"


def test_one_value_needs_neither_numpy_nor_scipy() -> None:
    """A run of one sample must not wait for them."""
    code = (
        "import sys\n"
        "from stepeval.stats.estimate import *\n"
        "mean_t([1.0]); clustered_mean([1.0], [1]); wilson(1, 1)\n"
        "percentile([1.0], 0.5); ratio([1.0], [1.0])\n"
        "assert not {'numpy', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
