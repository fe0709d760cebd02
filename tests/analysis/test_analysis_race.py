"""A race's pick, and who leaves it when."""

from collections.abc import Mapping

import numpy as np
import pytest

from benchmarks.race_trials import SCENES, raced
from stepeval.analysis.race import Contender, Race, RaceRules, Why

PRICES = {"low": 1.0, "medium": 2.5, "high": 6.0}
ARMS = [Contender(name, name) for name in PRICES]


def run(
    accuracies: Mapping[str, float], items: int = 300, margin: float = 0.05, seed: int = 0
) -> Race:
    chance = np.random.default_rng(seed)
    level = chance.random(items)  # an item is as hard for one arm as for another
    noise = chance.normal(0, 0.05, (len(accuracies), items))
    scores = {
        name: (level + noise[place] < share).astype(float)
        for place, (name, share) in enumerate(accuracies.items())
    }
    race = Race([Contender(name, name) for name in accuracies], items, RaceRules(margin))
    while (heat := race.heat) is not None:
        places = list(heat.places)
        race.tell(
            {name: scores[name][places] for name in heat.live},
            {name: np.full(len(places), PRICES[name]) for name in heat.live},
        )
    return race


def test_of_equals_the_cheapest_is_picked_and_early() -> None:
    race = run({"low": 0.8, "medium": 0.8, "high": 0.8})
    assert race.pick is not None
    assert race.pick.arm == "low"
    assert race.pick.items < 300
    assert {drop.why for drop in race.pick.drops} == {Why.NOT_WORTH_IT}


def test_what_is_much_worse_is_not_picked_however_cheap() -> None:
    race = run({"low": 0.6, "medium": 0.8, "high": 0.8})
    assert race.pick is not None
    assert race.pick.arm == "medium"
    worse = next(drop for drop in race.pick.drops if drop.arm == "low")
    assert worse.why is Why.TOO_MUCH_WORSE
    assert worse.change < -0.05
    assert worse.z > worse.bound


def test_price_is_what_was_measured_and_not_the_order() -> None:
    race = run({"high": 0.8, "low": 0.8, "medium": 0.8})
    assert race.pick is not None
    assert race.pick.arm == "low"


def test_without_prices_the_order_is_the_price() -> None:
    race = Race(ARMS, 60, RaceRules(0.3))
    while (heat := race.heat) is not None:
        same = {name: [1.0] * len(heat.places) for name in heat.live}
        race.tell(same, {name: [np.nan] * len(heat.places) for name in heat.live})
    assert race.pick is not None
    assert race.pick.arm == "low"


def test_a_margin_that_cannot_be_told_is_said() -> None:
    """Whichever arm wins, by luck or by default."""
    for seed in range(5):
        race = run({"low": 0.79, "medium": 0.8, "high": 0.8}, margin=0.002, seed=seed)
        assert race.pick is not None
        assert not race.pick.is_decidable
        assert race.pick.resolution is not None
        assert race.pick.resolution > 0.002
        assert race.pick.wanted is not None
        assert race.pick.wanted > 300
    enough = run({"low": 0.8, "medium": 0.8}, margin=0.1)
    assert enough.pick is not None
    assert enough.pick.is_decidable


def test_an_arm_that_left_is_not_asked_again() -> None:
    race = Race(ARMS, 300, RaceRules(0.05))
    chance = np.random.default_rng(2)
    seen = set(PRICES)
    while (heat := race.heat) is not None:
        assert set(heat.live) <= seen
        seen = set(heat.live)
        race.tell(
            {name: (chance.random(len(heat.places)) < 0.9) * 1.0 for name in heat.live},
            {name: np.full(len(heat.places), PRICES[name]) for name in heat.live},
        )
    assert {drop.arm for drop in race.drops}.isdisjoint(seen)


def test_a_race_needs_what_it_asked_for() -> None:
    with pytest.raises(ValueError, match="an arm and an item"):
        Race([], 10, RaceRules(0.05))
    with pytest.raises(ValueError, match="were asked for"):
        Race(ARMS, 10, RaceRules(0.05)).tell(
            {name: [1.0] for name in PRICES}, {name: [1.0] for name in PRICES}
        )


@pytest.mark.parametrize("scene", ["all the same", "cheapest 10 points worse"])
def test_it_is_cheaper_than_the_grid_and_hardly_more_often_wrong(scene: str) -> None:
    found = raced(SCENES[scene], 30)
    assert found.saving > 1.8
    assert found.race_errors <= found.grid_errors + 0.1


@pytest.mark.parametrize("failed", [1.0, 0.3])
def test_an_arm_that_fails_is_no_pick_and_drives_nobody_out(failed: float) -> None:
    """Without an answer nothing is known of its cost either, and that is not the lowest one."""
    chance = np.random.default_rng(2)
    race = Race(ARMS, 300, RaceRules(0.05))
    while (heat := race.heat) is not None:
        lost = chance.random(len(heat.places)) < failed
        scores = {name: np.ones(len(heat.places)) for name in heat.live}
        costs = {name: np.full(len(heat.places), PRICES[name]) for name in heat.live}
        scores["low"][lost] = costs["low"][lost] = np.nan
        race.tell(scores, costs)
    assert race.pick is not None
    assert race.pick.arm == "medium"
    assert race.pick.unanswered == ("low",)
    assert [drop.arm for drop in race.pick.drops] == ["high"], "it is not worth its price"
