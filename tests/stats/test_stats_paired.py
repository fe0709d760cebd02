import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS

from stepeval.stats.binary_pairs import mcnemar_exact
from stepeval.stats.difference import Difference
from stepeval.stats.paired import log_ratio, mean_difference, sign_flip

DIFFERENCES = st.lists(st.integers(-4, 4).map(lambda k: k / 4), max_size=60)


def ends(found: Difference) -> tuple[float, float]:
    assert found.estimate.low is not None
    assert found.estimate.high is not None
    return found.estimate.low, found.estimate.high


def drawn(n: int, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.05, 0.3, n)


def test_many_items_have_students_t_as_scipy_has_it() -> None:
    values = drawn(80)
    oracle = stats.ttest_1samp(values, 0)
    found = mean_difference(values)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.test == "paired t"
    assert ends(found) == pytest.approx(tuple(oracle.confidence_interval()))
    assert (found.estimate.n, found.estimate.method) == (80, "t")


def test_clusters_have_the_robust_error_that_statsmodels_has() -> None:
    chance = np.random.default_rng(2)
    sizes = chance.integers(1, 9, 45)
    clusters = np.repeat(np.arange(45), sizes)
    values = np.repeat(chance.normal(0.1, 0.2, 45), sizes) + chance.normal(0, 0.2, sizes.sum())
    fitted = OLS(values, np.ones(len(values))).fit()
    oracle = fitted.get_robustcov_results(
        "cluster", groups=clusters, use_t=True, df_correction=True
    )
    found = mean_difference(values, clusters)
    assert ends(found) == pytest.approx(tuple(oracle.conf_int()[0]))
    assert found.p == pytest.approx(oracle.pvalues[0])
    assert found.estimate.n == 45


def test_the_clustered_mean_has_its_reference_value() -> None:
    found = mean_difference([1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0], [k // 3 for k in range(12)])
    low, high = ends(found)
    assert (high - low) / 2 / stats.t.ppf(0.975, 3) == pytest.approx(0.209718, abs=1e-6)


@pytest.mark.parametrize(("n", "off"), [(8, 0.4), (20, 0.15), (29, 0.15)])
def test_few_items_are_resampled_and_their_signs_flipped(n: int, off: float) -> None:
    found = mean_difference(drawn(n))
    assert (found.estimate.method, found.test) == ("bca", "sign-flip permutation")
    low, high = stats.ttest_1samp(drawn(n), 0).confidence_interval()
    assert ends(found) == pytest.approx((low, high), abs=off * (high - low))


def test_of_still_fewer_there_are_not_enough_resamples() -> None:
    found = mean_difference(drawn(7))
    assert found.estimate.method == "t"
    assert found.test == "sign-flip permutation"


@settings(deadline=None, max_examples=60)
@given(DIFFERENCES, st.integers(0, 9))
def test_a_difference_turns_with_the_arms_and_lies_within_its_bounds(
    values: list[float], seed: int
) -> None:
    found = mean_difference(values, seed=seed)
    turned = mean_difference([-value for value in values], seed=seed)
    assert (found.p, found.test) == (turned.p, turned.test)
    if found.p is not None:
        assert 0 < found.p <= 1
    if found.estimate.low is None:
        assert found.estimate.high is None
        assert found.estimate.reason is not None
        return
    low, high = ends(found)
    assert found.estimate.value is not None
    assert low <= found.estimate.value <= high
    assert ends(turned) == pytest.approx((-high, -low), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "clusters", "value", "p", "reason"),
    [
        ([], None, None, None, "no values"),
        ([0.5], None, 0.5, None, "one item or cluster has no spread"),
        ([0.5, 0.25], ["a", "a"], 0.375, None, "one item or cluster has no spread"),
        ([0.0] * 40, None, 0.0, 1.0, "the differences are all the same"),
        ([0.1] * 3, None, 0.1, 0.25, "the differences are all the same"),
    ],
)
def test_what_cannot_be_told_has_no_bounds_and_a_reason(
    values: list[float],
    clusters: list[str] | None,
    value: float | None,
    p: float | None,
    reason: str,
) -> None:
    found = mean_difference(values, clusters)
    assert (found.estimate.low, found.estimate.high, found.p) == (None, None, p)
    assert found.estimate.value == pytest.approx(value)
    assert found.estimate.reason == reason


def test_two_items_have_the_wide_interval_that_they_have() -> None:
    low, high = ends(mean_difference([0.0, 1.0]))
    assert (low, high) == pytest.approx((0.5 - 0.5 * 12.7062, 0.5 + 0.5 * 12.7062), abs=1e-3)


def test_a_million_items_are_no_more_work_than_arrays_are() -> None:
    found = mean_difference(drawn(1_000_000))
    low, high = ends(found)
    assert high - low == pytest.approx(2 * 1.96 * 0.3 / 1_000, rel=0.01)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.data())
def test_flipped_signs_of_ones_are_mcnemars_exact_test(n: int, data: st.DataObject) -> None:
    """However many items did not differ."""
    up = data.draw(st.integers(0, n))
    values = [1.0] * up + [-1.0] * (n - up) + [0.0] * data.draw(st.integers(0, 50))
    assert sign_flip(values) == pytest.approx(mcnemar_exact(n - up, up))


def test_flipped_signs_agree_with_scipy_and_draws_with_enumeration() -> None:
    values = drawn(10, seed=3)
    oracle = stats.permutation_test(
        (values, np.zeros(10)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert sign_flip(values) == pytest.approx(oracle.pvalue)
    more = drawn(13, seed=4)
    signs = 2 * ((np.arange(2**13)[:, None] >> np.arange(13)) & 1) - 1
    exact = np.mean(np.abs(signs @ more) >= abs(more.sum()) - 1e-12)
    assert sign_flip(more) == pytest.approx(exact, abs=0.015)
    assert sign_flip(more) == sign_flip(more)


def test_rounding_does_not_break_a_tie() -> None:
    """0.1 + 0.2 - 0.3 is not 0 in binary: no sum is nearer to 0 than what was seen."""
    assert sign_flip([0.1, 0.2, -0.3]) == 1.0


def test_a_ratio_is_the_t_test_of_logarithms() -> None:
    chance = np.random.default_rng(5)
    a = chance.lognormal(0, 0.5, 40)
    b = 1.8 * a * chance.lognormal(0, 0.2, 40)
    oracle = stats.ttest_1samp(np.log(b / a), 0)
    found = log_ratio(a, b)
    assert found.p == pytest.approx(oracle.pvalue)
    assert ends(found) == pytest.approx(tuple(np.exp(oracle.confidence_interval())))
    assert found.estimate.value == pytest.approx(stats.gmean(b) / stats.gmean(a))
    low, high = ends(log_ratio(b, a))
    assert ends(found) == pytest.approx((1 / high, 1 / low))
    assert ends(log_ratio(1_000 * a, 1_000 * b)) == pytest.approx(ends(found))


def test_clusters_widen_a_ratio() -> None:
    a = np.ones(60)
    b = np.exp(np.repeat(drawn(12), 5))
    alone, clustered = ends(log_ratio(a, b)), ends(log_ratio(a, b, np.arange(60) // 5))
    assert clustered[1] - clustered[0] > 2 * (alone[1] - alone[0])


def test_a_ratio_that_is_none_says_why() -> None:
    assert log_ratio([1.0, 0.0], [1.0, 1.0]).estimate.reason == "a value is not above 0"
    assert log_ratio([], []).estimate.reason == "no values"
    same = log_ratio([1.0, 2.0], [2.0, 4.0])
    assert same.estimate.value == pytest.approx(2.0)
    assert (same.estimate.low, same.p) == (None, None)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="infinite or not a number"):
        mean_difference([0.0, value])
    with pytest.raises(ValueError, match="infinite or not a number"):
        log_ratio([1.0], [value])
    with pytest.raises(ValueError, match="as many values on both sides, not 2 and 1"):
        log_ratio([1.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="one dimension"):
        mean_difference([[0.0, 1.0]])
