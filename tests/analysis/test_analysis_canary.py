import numpy as np
import pytest
from scipy import stats

from benchmarks.worlds import World, runs
from stepeval.analysis.canary import canary
from stepeval.analysis.past import past_of

PLACES = tuple(range(40))


def test_it_is_exact_against_what_is_expected() -> None:
    """All items alike: the sum of coins is binomial, and p twice its tail."""
    past = past_of([[1.0, 1.0, 1.0, 0.0]] * 40)
    found = canary(past, PLACES, [1.0] * 20 + [0.0] * 20)
    assert found.p == pytest.approx(2 * stats.binom.cdf(20, 40, 0.75))
    assert found.change == pytest.approx(-0.25)
    assert found.has_drifted


def test_a_steady_service_seldom_sings() -> None:
    world, alarms = World(), 0
    for seed in range(300):
        chance = np.random.default_rng(seed)
        own = world.chances(chance)
        past = past_of(runs(own, 5, chance))
        alarms += canary(past, PLACES, runs(own[:40], 1, chance)[:, 0]).has_drifted
    assert alarms / 300 <= 0.02


def test_one_run_an_item_is_compared_by_its_flips() -> None:
    past = past_of([[1.0]] * 30 + [[0.0]] * 10)
    found = canary(past, PLACES, [0.0] * 12 + [1.0] * 18 + [0.0] * 10)
    assert found.p == pytest.approx(2 / 2**12)
    assert found.has_drifted


def test_too_little_is_not_silence() -> None:
    past = past_of([[1.0, 0.0]] * 40)
    nothing = canary(past, PLACES, [np.nan] * 40)
    assert (nothing.n, nothing.p, nothing.has_drifted) == (0, None, False)
    few = canary(past, PLACES[:3], [1.0, 1.0, 0.0])
    assert few.detectable is not None
    assert few.detectable > 0.5
