"""Evidence that may be looked at after every item: what a bettor against a claim has won.

Under the claim no bet gains on average, so the chance that the winnings ever reach ``1 / alpha``
is at most alpha (Ville 1939; Waudby-Smith and Ramdas 2024).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import Floats, finite

_STAKES = np.geomspace(0.01, 0.95, 24)  # of what may be staked without ruin; the bettor plays all
_POINTS = 401


@dataclass(frozen=True, slots=True)
class Winnings:
    """``log`` is that of the mixture's winnings after each item, (n,); ``best`` its maximum."""

    log: Floats
    best: float


def e_value(gains: ArrayLike, stake: float) -> float:
    """``prod(1 + stake * gain)``. Raises ValueError: the stake could be lost more than whole."""
    known = finite(gains)
    factors = 1 + stake * known
    if (factors < 0).any():
        raise ValueError(f"a stake of {stake:g} loses more than there is")
    return float(np.prod(factors))


def winnings(gains: ArrayLike, worst: float) -> Winnings:
    """Of an even mixture of stakes against "a gain is at most 0 on average".

    ``gains`` (n,) in the order that they came; none may be below ``-worst``, ``worst`` > 0.
    """
    known = finite(gains)
    if len(known) == 0:
        return Winnings(np.zeros(0), 0.0)
    if known.min() < -worst * (1 + 1e-9):
        raise ValueError(f"a gain of {known.min():g} is below -{worst:g}")
    paths = np.log1p(np.outer(_STAKES / worst, known)).cumsum(axis=1)
    top = paths.max(axis=0)
    log = top + np.log(np.exp(paths - top).mean(axis=0))
    return Winnings(log, max(0.0, float(log.max())))


def betting_bounds(
    differences: ArrayLike,
    alpha_low: float,
    alpha_high: float,
    sizes: ArrayLike | None = None,
) -> tuple[float, float]:
    """A confidence sequence for the mean of paired differences in [-1, 1], as it stands now.

    ``differences`` (n,) in the order that they came, or with ``sizes`` (n,) the sums of clusters of
    so many items each. Bounds that once excluded a value go on to: each holds at every time at
    once, with the chance ``1 - alpha``, under items in random order.
    """
    known = finite(differences)
    counts = np.ones(len(known)) if sizes is None else finite(sizes)
    if len(known) == 0:
        return -1.0, 1.0
    grid = np.linspace(-1, 1, _POINTS)
    low = _excluded(known, counts, grid, alpha_low)
    high = -_excluded(-known, counts, grid, alpha_high)
    return low, high


def _excluded(sums: Floats, sizes: Floats, grid: Floats, alpha: float) -> float:
    """The greatest point that the mean has been shown to lie above, by bisection over the grid."""
    limit = -np.log(alpha)
    most = float(sizes.max())
    first, last = 0, len(grid) - 1
    while first < last:
        middle = (first + last + 1) // 2
        point = float(grid[middle])
        gains = (sums - sizes * point) / most
        shown = point < 1 and winnings(gains, 1 + point).best >= limit
        first, last = (middle, last) if shown else (first, middle - 1)
    return float(grid[first])
