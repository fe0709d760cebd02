"""How often intervals hold what they are about, by simulation, where it cannot be enumerated.

Seeded, so that a test gives the same shares each time. A share of 600 runs errs by 0.009.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from stepeval.stats.bootstrap import bca, weighted_ratio
from stepeval.stats.estimate import BOOTSTRAPPED, Estimate, mean_t, ranks, ratio
from stepeval.stats.paired import mean_difference

RUNS = 600
Floats = NDArray[np.float64]
Chance = np.random.Generator


def holds(found: Estimate, truth: float) -> bool:
    """Without bounds it claims nothing, and so is not wrong."""
    return (found.low is None or found.low <= truth) and (found.high is None or truth <= found.high)


def share(draw: Callable[[Chance], Estimate], truth: float) -> float:
    chance = np.random.default_rng(20)
    return sum(holds(draw(chance), truth) for _ in range(RUNS)) / RUNS


def five_epochs(chance: Chance, n: int) -> Floats:
    """Differences of item means; B is right a tenth more often, items are of any difficulty."""
    right = chance.beta(2, 2, n) * 0.9
    return np.asarray((chance.binomial(5, right + 0.1) - chance.binomial(5, right)) / 5)


@pytest.mark.parametrize(
    ("n", "least"), [(5, 0.93), (8, 0.92), (15, 0.93), (29, 0.93), (100, 0.93)]
)
def test_five_epochs_an_item(n: int, least: float) -> None:
    found = share(lambda chance: mean_difference(five_epochs(chance, n)).estimate, 0.1)
    assert least < found < 0.985


@pytest.mark.parametrize(("groups", "least"), [(6, 0.9), (12, 0.925), (40, 0.93)])
def test_items_in_clusters(groups: int, least: float) -> None:
    """Of 1 to 9 items, half of whose spread is the cluster's. As single items they would claim
    too much: below 85% in place of 95%. Six of unequal size are few even for t(5), as is known of
    CR1.
    """
    naive = 0

    def draw(chance: Chance) -> Estimate:
        nonlocal naive
        sizes = chance.integers(1, 10, groups)
        names = np.repeat(np.arange(groups), sizes)
        common = chance.normal(0, 0.2, groups)
        values = 0.1 + common[names] + chance.normal(0, 0.2, len(names))
        naive += holds(mean_t(values.tolist()), 0.1)
        return mean_difference(values, names).estimate

    found = share(draw, 0.1)
    assert least < found < 0.985
    assert naive / RUNS < 0.85


def test_a_skew_that_t_does_not_see() -> None:
    """A tenth of the items cost ten times as much: bounds from resampling follow the tail."""

    def skewed(chance: Chance) -> Floats:
        return np.asarray(chance.exponential(1, 15))

    resampled = share(lambda chance: mean_difference(skewed(chance)).estimate, 1)
    by_t = share(lambda chance: mean_t(skewed(chance).tolist()), 1)
    assert resampled > by_t
    assert resampled > 0.92


@pytest.mark.parametrize(("right", "fieller_at_most"), [(0.5, 0.98), (0.8, 0.935)])
def test_cost_per_correct_answer_of_few_items(right: float, fieller_at_most: float) -> None:
    """20 items, the wrong ones twice as dear. Fieller leans on normal sums, and misses at 80%."""
    assert 20 in BOOTSTRAPPED
    truth = (right * 2 + (1 - right) * 4) / right

    def drawn(chance: Chance) -> tuple[Floats, Floats]:
        is_right = (chance.random(20) < right).astype(np.float64)
        return np.where(is_right, 2, 4) * chance.uniform(0.5, 1.5, 20), is_right

    resampled = share(lambda chance: bca(weighted_ratio, drawn(chance), expanded=True), truth)
    fieller = share(lambda chance: ratio(*(c.tolist() for c in drawn(chance))), truth)
    assert 0.935 < resampled < 0.99
    assert fieller < fieller_at_most


@pytest.mark.parametrize("n", [100, 200, 500])
def test_order_statistics_hold_p95_of_any_shape(n: int) -> None:
    """Of 4,000 lognormal samples at least 95%, up to the simulation's error."""
    low, high = ranks(n, 0.95)
    known = np.sort(np.random.default_rng(21).lognormal(5, 0.6, (4_000, n)), axis=1)
    truth = np.exp(5 + 0.6 * stats.norm.ppf(0.95))
    held = np.mean((known[:, low - 1] <= truth) & (truth <= known[:, high - 1]))
    assert 0.945 < held < 0.985
