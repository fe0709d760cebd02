"""Whether the API still answers the baseline's prompt as it did when that was recorded."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from stepeval.analysis.past import Floats, Past
from stepeval.stats.binary_pairs import mcnemar_exact

_ALPHA = 0.01
_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Canary:
    """``n`` items asked again with the baseline's own prompt; ``change`` as scored now less before.

    ``p`` None: too little was answered. ``detectable``: the drift that so few items show in four of
    five times. Nothing smaller is excluded by a canary that is quiet.
    """

    n: int
    change: float | None
    p: float | None
    detectable: float | None

    @property
    def has_drifted(self) -> bool:
        return self.p is not None and self.p < _ALPHA


def canary(past: Past, places: tuple[int, ...], scores: ArrayLike) -> Canary:
    """``scores`` (n,): of one run each of the items at ``places``; NaN: there is none.

    Several runs of an item in the baseline: each answer against what they predict, exact for 0 or
    1 (a sum of unlike coins), else by z. One run: McNemar's exact test.
    """
    fresh = np.asarray(scores, dtype=np.float64)
    known = np.isfinite(fresh)
    fresh, where = fresh[known], np.array(places, dtype=np.intp)[known]
    n = len(fresh)
    if n == 0:
        return Canary(0, None, None, None)
    change = float((fresh - past.expected[where]).mean())
    one_look = NormalDist().inv_cdf(1 - _ALPHA / 2) + NormalDist().inv_cdf(_POWER)
    spread = past.left_over(1)
    if past.within is None:
        before = past.means[where]
        change = float((fresh - before).mean())
        spread = 2 * past.noise
    detectable = one_look * math.sqrt(spread / n) if spread else None
    is_binary = past.is_binary and bool(np.isin(fresh, (0.0, 1.0)).all())
    if is_binary and past.within is None:
        p = mcnemar_exact(int((before > fresh).sum()), int((before < fresh).sum()))
    elif is_binary:
        p = _unlike_coins(np.clip(past.expected[where], 0.0, 1.0), round(fresh.sum()))
    elif spread == 0:
        return Canary(n, change, None, None)
    else:
        p = 2 * NormalDist().cdf(-abs(change) / math.sqrt(spread / n))
    return Canary(n, change, p, detectable)


def _unlike_coins(chances: Floats, heads: int) -> float:
    """Two-sided p of as many heads, each tail doubled (Poisson's binomial distribution)."""
    mass = np.ones(1)
    for chance in chances:
        mass = np.convolve(mass, (1 - chance, chance))
    return min(1.0, 2 * float(min(mass[: heads + 1].sum(), mass[heads:].sum())))
