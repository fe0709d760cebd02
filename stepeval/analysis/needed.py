"""How many items a difference takes to be shown, from how much paired answers differ."""

from dataclasses import dataclass

import numpy as np

from stepeval.analysis.pairing import Pairs
from stepeval.stats.power import (
    detectable_difference,
    items_for_difference,
    items_for_discordance,
    items_for_margin,
    paired_sd,
)

POWER = 0.8
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Needed:
    """To show a difference of ``target`` in four of five such comparisons, at 5% two-sided.

    ``items`` are the items that it takes and ``have`` those there are. ``spread`` is the standard
    deviation of an item's difference, ``detectable`` the smallest difference that ``have`` show.
    """

    target: float
    have: int
    items: int
    spread: float
    detectable: float | None

    @property
    def more(self) -> int:
        return max(0, self.items - self.have)

    @property
    def items_within(self) -> int:
        """Items that show an equal arm to be worse by less than ``target``, one-sided."""
        return items_for_margin(self.spread**2, self.target, ALPHA, POWER)


def needed(pairs: Pairs, column: str, target: float) -> Needed | None:
    """None where fewer than two items are paired, or paired answers never differ by anything.

    One flip of each kind is added to those of 0-or-1 answers, as in Bonett and Price's interval:
    a few items without a flip do not prove that there are none.
    """
    means = pairs.item_means(column)
    have = len(means)
    if have < 2:  # noqa: PLR2004  -- one item has no spread
        return None
    if means.clusters is None and not pairs.is_repeated and _is_binary(means.a, means.b):
        flipped = int(np.count_nonzero(means.a != means.b))
        return needed_for_flips((flipped + 2) / (have + 2), target, have)
    spread = paired_sd(means.b - means.a, means.clusters)
    if not spread:
        return None
    return Needed(
        target,
        have,
        items_for_difference(spread, target, ALPHA, POWER),
        spread,
        detectable_difference(have, spread, ALPHA, POWER),
    )


def needed_for_flips(discordance: float, target: float, have: int) -> Needed:
    """``discordance``: the share of items that flip, of 0-or-1 answers; at least the target."""
    share = min(1.0, max(discordance, target))
    spread = float(np.sqrt(share))
    return Needed(
        target,
        have,
        items_for_discordance(share, target, ALPHA, POWER),
        spread,
        detectable_difference(have, spread, ALPHA, POWER),
    )


def _is_binary(*sides: np.ndarray) -> bool:
    return all(bool(np.isin(side, (0.0, 1.0)).all()) for side in sides)
