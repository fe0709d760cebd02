from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stepeval.stats.passes import majority_at_k, majority_share, pass_at_k, pass_hat_k


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [(10, 3, 1, 0.3), (10, 3, 5, 0.91666667), (200, 20, 10, 0.66022562)],
)
def test_pass_at_k_has_its_reference_values(n: int, c: int, k: int, expected: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"), [(10, 8, 3, 0.46666667), (8, 6, 4, 0.21428571)]
)
def test_pass_hat_k_has_its_reference_values(n: int, c: int, k: int, expected: float) -> None:
    assert pass_hat_k(n, c, k) == pytest.approx(expected, abs=1e-8)


@given(st.integers(1, 9), st.data())
def test_they_are_shares_of_all_choices_of_k_tries(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    right = [sum(chosen) for chosen in combinations([1] * c + [0] * (n - c), k)]
    assert pass_at_k(n, c, k) == pytest.approx(sum(r > 0 for r in right) / len(right))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(r == k for r in right) / len(right))
    votes = [1.0 if 2 * r > k else 0.5 * (2 * r == k) for r in right]
    assert majority_at_k(n, c, k) == pytest.approx(sum(votes) / len(votes))


@given(st.integers(1, 12), st.floats(0.001, 1), st.data())
def test_they_are_unbiased(n: int, chance: float, data: st.DataObject) -> None:
    """Their mean over what n tries may give is what k tries do."""
    k = data.draw(st.integers(1, n))
    masses = stats.binom.pmf(range(n + 1), n, chance)
    at_least = sum(mass * pass_at_k(n, c, k) for c, mass in enumerate(masses))
    always = sum(mass * pass_hat_k(n, c, k) for c, mass in enumerate(masses))
    assert at_least == pytest.approx(1 - (1 - chance) ** k, abs=1e-9)
    assert always == pytest.approx(chance**k, abs=1e-9)


def test_the_majority_is_the_share_of_the_most_frequent_answer() -> None:
    assert majority_share(["4", "4", None, "5"]) == 0.5
    assert majority_share(["4"]) == 1.0
    assert majority_share([]) is None


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 3, 6), (0, 0, 1), (5, 3, 0)])
def test_what_cannot_be_is_refused(n: int, c: int, k: int) -> None:
    for estimator in (pass_at_k, pass_hat_k, majority_at_k):
        with pytest.raises(ValueError, match="tries"):
            estimator(n, c, k)
