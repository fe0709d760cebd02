import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from stepeval.stats.paired import mean_difference
from stepeval.stats.power import (
    detectable_difference,
    detectable_margin,
    items_for_difference,
    items_for_discordance,
    items_for_margin,
    paired_sd,
)

SD, SIZE = st.floats(0.05, 2), st.floats(0.02, 1)
ALPHA, POWER = st.sampled_from([0.01, 0.05, 0.1]), st.sampled_from([0.5, 0.8, 0.95])


def one_tail(effect: float, n: int, alpha: float) -> float:
    """The oracle's power. Its other tail is next to nothing, and in places not a number."""
    return float(TTestPower().power(effect, n, alpha / 2, alternative="larger"))


def test_the_margin_has_its_reference_value() -> None:
    assert items_for_margin(0.1, 0.05) == 248


def test_mcnemars_items_are_connors() -> None:
    """By hand: (1.96 sqrt(.1) + .8416 sqrt(.1 - .0025))^2 / .0025 = 311.6."""
    assert items_for_discordance(0.1, 0.05) == items_for_discordance(0.1, -0.05) == 312


@settings(deadline=None, max_examples=60)
@given(SD, SIZE, ALPHA, POWER)
def test_items_for_a_difference_agree_with_statsmodels(
    sd: float, size: float, alpha: float, power: float
) -> None:
    found = items_for_difference(sd, size, alpha, power)
    assert one_tail(size / sd, found, alpha) >= power - 2e-3
    if found > 2:
        assert one_tail(size / sd, found - 1, alpha) < power
    assert found == items_for_difference(sd, -size, alpha, power)


@settings(deadline=None, max_examples=40)
@given(SD, st.integers(2, 5_000), ALPHA, POWER)
def test_the_detectable_difference_is_the_other_way_round(
    sd: float, n: int, alpha: float, power: float
) -> None:
    found = detectable_difference(n, sd, alpha, power)
    assert found is not None
    assert one_tail(found / sd, n, alpha) == pytest.approx(power, abs=2e-3)


def test_the_detectable_margin_is_the_other_way_round() -> None:
    found = detectable_margin(248, 0.1)
    assert found is not None
    assert items_for_margin(0.1, found) == 248
    assert items_for_margin(0.1, found * 0.999) > 248
    assert detectable_margin(0, 0.1) is None


@given(st.floats(0.05, 0.9), st.floats(0.01, 0.3), ALPHA, POWER)
def test_more_is_asked_of_more_items(
    variance: float, margin: float, alpha: float, power: float
) -> None:
    """Of a finer margin, a lower alpha, a higher power and a worse truth."""
    asked = items_for_margin(variance, margin, alpha, power)
    assert items_for_margin(variance, margin / 2, alpha, power) >= asked
    assert items_for_margin(variance, margin, alpha / 2, power) >= asked
    assert items_for_margin(variance, margin, alpha, power + 0.02) >= asked
    assert items_for_margin(variance, margin, alpha, power, -margin / 2) >= asked


@pytest.mark.parametrize(
    ("discordance", "difference"), [(0.1, 0.05), (0.2, 0.1), (0.3, 0.06), (0.2, 0.15)]
)
def test_mcnemar_has_about_the_power_that_its_items_were_planned_for(
    discordance: float, difference: float
) -> None:
    """The mid-p test's own power, exact: over the number of flips and how they fall."""
    n = items_for_discordance(discordance, difference)
    power = 0.0
    for flips in range(n + 1):
        mass = stats.binom.pmf(flips, n, discordance)
        if mass < 1e-12:
            continue
        k = np.arange(flips + 1)
        lesser = np.minimum(k, flips - k)
        own = stats.binom.pmf(lesser, flips, 0.5)
        p = 2 * stats.binom.cdf(lesser, flips, 0.5) - own
        ups = stats.binom.pmf(k, flips, (1 + difference / discordance) / 2)
        power += mass * ups[p <= 0.05].sum()
    assert power == pytest.approx(0.8, abs=0.045)


def test_the_deviation_of_independent_items_is_the_usual_one() -> None:
    values = [0.1, -0.2, 0.4, 0.0, 0.3]
    assert paired_sd(values) == pytest.approx(np.std(values, ddof=1))
    assert paired_sd(values[:1]) is None
    assert paired_sd(values, ["a"] * 5) is None


def test_the_deviation_of_clustered_items_gives_their_error() -> None:
    chance = np.random.default_rng(3)
    clusters = np.repeat(np.arange(40), 5)
    values = np.repeat(chance.normal(0, 0.3, 40), 5) + chance.normal(0, 0.1, 200)
    found = mean_difference(values, clusters).estimate
    assert found.value is not None
    assert found.high is not None
    error = (found.high - found.value) / stats.t.ppf(0.975, 39)
    sd = paired_sd(values, clusters)
    assert sd is not None
    assert sd / math.sqrt(200) == pytest.approx(error)
    assert sd > 1.5 * np.std(values)


def test_no_spread_shows_any_difference_and_one_item_none() -> None:
    assert detectable_difference(100, 0.0) == 0.0
    assert detectable_difference(1, 0.3) is None


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(ValueError, match="margin must be above 0"):
        items_for_margin(0.1, 0.05, difference=-0.05)
    with pytest.raises(ValueError, match="cannot make a difference"):
        items_for_discordance(0.1, 0.2)
    with pytest.raises(ValueError, match="difference must be above 0"):
        items_for_difference(0.3, 0.0)
    with pytest.raises(ValueError, match="alpha and power"):
        items_for_margin(0.1, 0.05, power=1.0)
    with pytest.raises(ValueError, match="sd must be above 0"):
        items_for_difference(float("nan"), 0.1)
