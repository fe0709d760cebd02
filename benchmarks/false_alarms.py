"""How often an unchanged prompt is called worse, baseline by baseline."""

from dataclasses import dataclass

import numpy as np

from benchmarks.gate_trials import gated
from benchmarks.worlds import World, runs
from stepeval.analysis.gate import Verdict

_THRESHOLD = 0.02  # "not more than 2 points down", the plain rule
_UNLUCKY = 0.1


@dataclass(frozen=True, slots=True)
class Alarms:
    """Shares of runs, of the gate and of the plain threshold; ``unlucky_*``: of baselines by which
    more than a tenth of unchanged prompts are called worse.
    """

    gate: float
    plain: float
    unlucky_gate: float
    unlucky_plain: float


def alarms(baselines: int, each: int, repeats: int, drop: float = 0.0) -> Alarms:
    """``each`` runs of a prompt that is worse by ``drop``, against each of the baselines."""
    world = World()
    found = np.zeros((baselines, 2))
    for number in range(baselines):
        chance = np.random.default_rng((number, repeats, round(1000 * drop)))
        chances = world.chances(chance)
        before = runs(chances, repeats, chance).mean(axis=1)
        after = runs(world.worse(chances, drop), each, chance)
        differences = after - before[:, None]
        regressed = [gated(one) is Verdict.REGRESSED for one in differences.T]
        found[number] = np.mean(regressed), (differences.mean(axis=0) < -_THRESHOLD).mean()
    gate, plain = found.mean(axis=0)
    unlucky = (found > _UNLUCKY).mean(axis=0)
    return Alarms(float(gate), float(plain), float(unlucky[0]), float(unlucky[1]))
