import numpy as np
import pytest

from stepeval.analysis.past import past_of


def test_runs_that_failed_are_left_out() -> None:
    past = past_of(np.array([[1, 0, np.nan], [1, 1, 1], [0, np.nan, np.nan]]))
    assert past.means.tolist() == [0.5, 1, 0]
    assert past.within == pytest.approx((0.5 + 0) / 2)  # of the items that ran more than once
    assert past.repeats == pytest.approx(3 / (1 / 2 + 1 / 3 + 1))
    assert past.is_binary


def test_what_few_runs_say_is_drawn_to_the_mean() -> None:
    """By the truth of 4,000 items: the guess is nearer to their own chance than the raw mean."""
    chance = np.random.default_rng(1)
    own = chance.beta(0.4, 0.1, 4_000)
    past = past_of((chance.random((4_000, 5)) < own[:, None]).astype(float))
    guess = past.expected
    assert np.mean((guess - own) ** 2) < np.mean((past.means - own) ** 2)
    assert past.reliability == pytest.approx(own.var() / past.means.var(), abs=0.02)
    again = (chance.random(4_000) < own).astype(float)
    assert past.left_over(1) == pytest.approx(np.var(again - guess), rel=0.05)


def test_one_run_an_item_has_no_spread_of_its_own() -> None:
    past = past_of([[1.0], [0.0], [1.0]], clusters=["a", "a", "b"])
    assert past.within is None
    assert past.clusters == ("a", "a", "b")
    assert past.noise == pytest.approx(past.means.var() / 2)


@pytest.mark.parametrize("scores", [[[1.0]], [[1.0], [np.nan]], [1.0, 0.0]])
def test_a_baseline_that_says_nothing_is_refused(scores: list[object]) -> None:
    with pytest.raises(ValueError, match="baseline"):
        past_of(np.array(scores, dtype=float))
