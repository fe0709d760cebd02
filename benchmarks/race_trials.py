"""A race of reasoning tiers against asking every arm every item, where the right pick is known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.worlds import Floats, World, runs
from stepeval.analysis.race import Contender, Race, RaceRules

MARGIN = 0.05
_PRICES = (1.0, 2.5, 6.0)  # of an answer, as reasoning grows
_SAME = (0.0, 0.0, 0.0)
_ROUNDING = 1e-9

SCENES: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "all the same": (_SAME, _SAME, _SAME),
    "cheapest 2 points worse": ((-0.02,) * 3, _SAME, _SAME),
    "cheapest 8 points worse": ((-0.08,) * 3, _SAME, _SAME),
    "cheapest 10 points worse": ((-0.1,) * 3, _SAME, _SAME),
    "10 points from tier to tier": ((-0.2,) * 3, (-0.1,) * 3, _SAME),
    "one temperature 10 points worse": ((0.0, -0.1, 0.0),) * 3,
}


@dataclass(frozen=True, slots=True)
class Raced:
    """``*_errors``: shares of picks that are worse than the best arm by more than the margin, or
    dearer than one that is not. ``saving``: what the grid costs by what the race costs.
    """

    race_errors: float
    grid_errors: float
    saving: float


def raced(changes: tuple[tuple[float, ...], ...], n: int, world: World | None = None) -> Raced:
    """``changes``: of the accuracy, of each temperature of each tier, the cheapest first."""
    world = world or World(items=300)
    arms = {
        f"tier {t}, {k}": (t, gain) for t, row in enumerate(changes) for k, gain in enumerate(row)
    }
    right = _right(arms)
    totals = np.zeros(4)
    for number in range(n):
        chance = np.random.default_rng(number)
        chances = world.chances(chance)
        scores = {
            name: runs(world.worse(chances, -gain), 1, chance)[:, 0]
            for name, (_, gain) in arms.items()
        }
        for place, per_round in enumerate((25, world.items)):
            rules = RaceRules(MARGIN, per_round=per_round, seed=str(number))
            pick, cost = _run(arms, scores, rules, world)
            totals[2 * place : 2 * place + 2] += (pick not in right, cost)
    return Raced(totals[0] / n, totals[2] / n, totals[3] / totals[1])


def _run(
    arms: Mapping[str, tuple[int, float]],
    scores: Mapping[str, Floats],
    rules: RaceRules,
    world: World,
) -> tuple[str, float]:
    contenders = [Contender(name, f"tier {tier}") for name, (tier, _) in arms.items()]
    race = Race(contenders, world.items, rules, world.clusters)
    cost = 0.0
    while (heat := race.heat) is not None:
        places = list(heat.places)
        prices = {name: np.full(len(places), _PRICES[arms[name][0]]) for name in heat.live}
        cost += sum(float(price.sum()) for price in prices.values())
        race.tell({name: scores[name][places] for name in heat.live}, prices)
    assert race.pick is not None
    return race.pick.arm, cost


def _right(arms: Mapping[str, tuple[int, float]]) -> set[str]:
    best = max(gain for _, gain in arms.values())
    fine = {name: tier for name, (tier, gain) in arms.items() if gain >= best - MARGIN - _ROUNDING}
    cheapest = min(fine.values())
    return {name for name, tier in fine.items() if tier == cheapest}
