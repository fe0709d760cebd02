import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stepeval.stats.student import t_quantile


@pytest.mark.parametrize(
    ("degrees", "published"),
    [(1, 12.706205), (2, 4.302653), (5, 2.570582), (30, 2.042272), (120, 1.979930)],
)
def test_it_has_its_published_values(degrees: int, published: float) -> None:
    assert t_quantile(0.95, degrees) == pytest.approx(published, abs=1e-6)


@settings(deadline=None, max_examples=200)
@given(st.floats(0.01, 0.9999), st.integers(1, 5_000))
def test_it_agrees_with_scipy_everywhere(confidence: float, degrees: int) -> None:
    """In the tails, where Newton's first step is small, and at both parities of the degrees."""
    oracle = stats.t.ppf((1 + confidence) / 2, degrees)
    assert t_quantile(confidence, degrees) == pytest.approx(oracle, rel=1e-9)


def test_it_stays_exact_where_the_sum_has_many_terms() -> None:
    for degrees in (99_999, 1_000_000):
        oracle = stats.t.ppf(0.975, degrees)
        assert t_quantile(0.95, degrees) == pytest.approx(oracle, rel=1e-9)


def test_an_interval_needs_no_scipy() -> None:
    """A run's summary has intervals, and importing scipy would take longer than a short run."""
    code = (
        "import sys; from stepeval.stats.estimate import mean_t; mean_t([1.0, 2.0]);"
        "assert not {'numpy', 'scipy'} & {name.split('.')[0] for name in sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
