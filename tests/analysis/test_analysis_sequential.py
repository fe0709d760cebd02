"""One look: its numbers, and that its interval says what its decision says."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.analysis.design import Design, Rules, design
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.past import Past, past_of
from stepeval.analysis.sequential import look
from stepeval.stats.binary_pairs import bonett_price


def made(repeats: int = 5, items: int = 300, **rules: object) -> tuple[Past, Design]:
    chance = np.random.default_rng(8)
    own = chance.beta(1.6, 0.4, items)
    past = past_of((chance.random((items, repeats)) < own[:, None]).astype(float))
    return past, design(past, Rules(0.05, **rules))  # type: ignore[arg-type]  # by name


def seen(past: Past, found: Design, number: int, change: float, seed: int = 0) -> Look:
    places = list(found.order.places[: found.looks[number]])
    chance = np.random.default_rng(seed)
    chances = np.clip(past.means[places] + change, 0, 1)
    return look(past, found, number, (chance.random(len(places)) < chances).astype(float))


@settings(deadline=None, max_examples=60)
@given(st.floats(-0.3, 0.2), st.integers(0, 3), st.integers(0, 50), st.booleans())
def test_it_is_safe_exactly_where_its_interval_lies_above_the_margin(
    change: float, number: int, seed: int, anytime: bool
) -> None:
    past, found = made(anytime=anytime)
    one = seen(past, found, number, change, seed)
    assert one.low is not None
    assert one.high is not None
    step = 0.011 if anytime else 1e-9  # betting bounds stand on a grid
    if one.is_safe:
        assert one.low >= -0.05 - step
    else:
        assert one.low <= -0.05 + step
    if one.is_drop:
        assert one.high <= step
    else:
        assert one.high >= -step
    wanted = Decision.SAFE if one.is_safe else Decision.CONFIRM
    if one.is_safe or one.is_drop:
        assert one.decision is wanted


def test_the_last_look_ends_it() -> None:
    past, found = made()
    middle = (seen(past, found, number, -0.03, 3) for number in (0, len(found.looks) - 1))
    assert [one.decision for one in middle] == [Decision.GO_ON, Decision.INCONCLUSIVE]


def test_one_run_an_item_has_bonett_and_prices_error() -> None:
    past, found = made(repeats=1)
    one = seen(past, found, 0, -0.2)
    places = list(found.order.places[: found.looks[0]])
    chance = np.random.default_rng(0)
    chances = np.clip(past.means[places] - 0.2, 0, 1)
    scores = (chance.random(len(places)) < chances).astype(float)
    lost, won = (int((past.means[places] > scores).sum()), int((past.means[places] < scores).sum()))
    oracle = bonett_price(lost, won, len(places), 0.6826894921)
    assert oracle.high is not None
    assert oracle.value is not None
    assert one.change == oracle.value
    assert one.error == pytest.approx(oracle.high - oracle.value)


def test_fresh_answers_are_compared_with_each_other() -> None:
    """Both prompts at 0 on every item: no change, whatever the baseline had recorded."""
    past, _ = made()
    found = design(past, Rules(0.05), Stage.FRESH)
    nothing = np.zeros(found.looks[-1])
    one = look(past, found, len(found.looks) - 1, nothing, nothing)
    assert one.change == pytest.approx(0.0)
    assert one.decision is Decision.SAFE
    worse = look(past, found, len(found.looks) - 1, nothing, np.ones(len(nothing)))
    assert worse.change == pytest.approx(-1.0)
    assert worse.decision is Decision.REGRESSED


def test_other_than_the_planned_items_are_refused() -> None:
    past, found = made()
    with pytest.raises(ValueError, match="needs 75 scores"):
        look(past, found, 0, np.zeros(10))


def test_failed_requests_keep_a_look_from_being_safe() -> None:
    """All of them could have been wrong: beyond the margin they could hide a drop."""
    past, found = made()
    last = len(found.looks) - 1
    scores = past.means[list(found.order.places[: found.looks[last]])]
    few, many = scores.copy(), scores.copy()
    few[: int(0.04 * len(scores))] = np.nan
    many[: int(0.06 * len(scores)) + 1] = np.nan
    assert look(past, found, last, few).decision is Decision.SAFE
    one = look(past, found, last, many)
    assert one.is_safe
    assert one.decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize("repeats", [1, 5])
def test_a_first_look_without_a_flip_is_not_surer_than_its_items(repeats: int) -> None:
    """75 answers that are all right come of a prompt that is 5 points worse in one of 47 cases."""
    past = past_of(np.ones((300, repeats)))
    found = design(past, Rules(0.05))
    one = look(past, found, 0, np.ones(found.looks[0]))
    assert one.safe is not None
    assert NormalDist().cdf(-one.safe) >= 0.95 ** found.looks[0] * 0.98
