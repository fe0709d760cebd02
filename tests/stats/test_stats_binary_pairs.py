import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from stepeval.stats.binary_pairs import (
    binary_difference,
    bonett_price,
    mcnemar_exact,
    mcnemar_mid_p,
)

FLIPS = st.integers(0, 400)


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid"),
    [
        (3, 12, 0.03515625, 0.02127075),
        (10, 25, 0.01667385, 0.01133098),
        (0, 5, 0.0625, 0.03125),
        (0, 0, 1.0, 1.0),
        (7, 7, 1.0, 1.0),
    ],
)
def test_mcnemar_has_its_reference_values(b: int, c: int, exact: float, mid: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(exact, abs=1e-8)
    assert mcnemar_mid_p(b, c) == pytest.approx(mid, abs=1e-8)


@given(FLIPS, FLIPS)
def test_mcnemar_agrees_with_statsmodels_and_scipy(b: int, c: int) -> None:
    oracle = mcnemar([[0, b], [c, 0]], exact=True).pvalue
    assert mcnemar_exact(b, c) == pytest.approx(oracle, rel=1e-9)
    own_chance = stats.binom.pmf(min(b, c), b + c, 0.5)
    expected = oracle - own_chance if b != c else 1.0
    assert mcnemar_mid_p(b, c) == pytest.approx(expected, rel=1e-6)


def test_mcnemar_takes_more_flips_than_anybody_has() -> None:
    """By the normal approximation, which is exact enough there."""
    z = 40_000 / 1e9**0.5
    assert mcnemar_mid_p(480_000_000, 520_000_000) < 1e-300
    found = mcnemar_mid_p(500_000_000 - 20_000, 500_000_000 + 20_000)
    assert found == pytest.approx(2 * stats.norm.sf(z), rel=1e-3)


def test_bonett_price_has_its_reference_value() -> None:
    found = bonett_price(3, 12, 100)
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.088235, 0.010881, 0.165590), abs=1e-6
    )


def test_the_difference_is_what_the_two_accuracies_differ_by() -> None:
    found = binary_difference(3, 12, 100)
    assert found.estimate.value == 0.09
    assert (found.estimate.low, found.estimate.high) == pytest.approx(
        (0.010881, 0.165590), abs=1e-6
    )
    assert (found.p, found.test) == (mcnemar_mid_p(3, 12), "mid-p McNemar")


@given(st.integers(1, 10_000), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_bounds_hold_the_value_and_turn_with_the_arms(
    n: int, data: st.DataObject, confidence: float
) -> None:
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    found, turned = binary_difference(b, c, n, confidence), binary_difference(c, b, n, confidence)
    assert found.p == turned.p
    one, other = found.estimate, turned.estimate
    assert None not in (one.value, one.low, one.high, other.low, other.high)
    assert -1 <= one.low <= one.value <= one.high <= 1  # type: ignore[operator]  # none is None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))  # type: ignore[operator]
    assert one.low < one.high  # type: ignore[operator]


def test_nothing_flipped_is_no_certainty_and_nothing_asked_is_nothing() -> None:
    none = binary_difference(0, 0, 50)
    assert (none.estimate.value, none.p) == (0.0, 1.0)
    assert none.estimate.low is not None
    assert none.estimate.low < -0.03
    empty = binary_difference(0, 0, 0)
    assert (empty.estimate.value, empty.estimate.reason, empty.p) == (None, "no values", None)


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(b: int, c: int, n: int) -> None:
    with pytest.raises(ValueError, match="cannot have flipped"):
        bonett_price(b, c, n)


def chances(n: int, down: float, up: float) -> list[tuple[int, int, float]]:
    """Every (b, c) with its chance."""
    pairs = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    counts = np.array([(b, c, n - b - c) for b, c in pairs])
    masses = stats.multinomial.pmf(counts, n, [down, up, 1 - down - up])
    return [(b, c, float(mass)) for (b, c), mass in zip(pairs, masses, strict=True)]


@pytest.mark.parametrize(
    ("down", "up", "coverage"),
    [(0.1, 0.1, 0.9829), (0.05, 0.15, 0.9810), (0.02, 0.3, 0.9595), (0.25, 0.25, 0.9584)],
)
def test_bonett_price_covers_by_enumeration(down: float, up: float, coverage: float) -> None:
    """At 20 items, where Wald's interval covers .949, .937, .921 and .928."""
    held = 0.0
    for b, c, mass in chances(20, down, up):
        found = bonett_price(b, c, 20)
        assert found.low is not None
        assert found.high is not None
        held += mass * (found.low <= up - down <= found.high)
    assert held == pytest.approx(coverage, abs=5e-4)


@pytest.mark.parametrize("flips", [0.1, 0.3, 0.6])
def test_false_alarms_of_mcnemar_by_enumeration(flips: float) -> None:
    """At 20 items. The exact test keeps below its level and wastes most of it, mid-p far less."""
    exact = mid = 0.0
    for b, c, mass in chances(20, flips / 2, flips / 2):
        exact += mass * (mcnemar_exact(b, c) <= 0.05)
        mid += mass * (mcnemar_mid_p(b, c) <= 0.05)
    assert exact <= mid <= 0.0505
    assert exact <= 0.03
