"""The rules of a gate that may stop early, fixed before the first request."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from stepeval.analysis.item_order import ItemOrder, order_evenly, order_items
from stepeval.analysis.looks import Stage
from stepeval.analysis.past import Past
from stepeval.stats.spending import hwang_shih_decani

_FEWEST = 75  # items at the first look: below it a z of so skewed answers is no z
_FIRST_SHARE = 3 / 16
_STEP = 25
_STEP_SHARE = 1 / 16
_FEWEST_GROUPS = 15
_GAMMAS = (1.0, 0.0)  # of safe and of a drop: early, and evenly. Saves the most calls
_SHORT_GAMMAS = (-4.0, -2.0)  # with too few items power is what lacks, and late looks keep it
_EXTRA = 1.1  # items that bounds for many looks need beyond a single look's


@dataclass(frozen=True, slots=True)
class Rules:
    """``margin`` > 0 in units of the score: a smaller drop is tolerated.

    ``alpha_safe`` bounds the chance to call a drop of the whole margin safe, ``alpha_drop`` the
    chance to call an unchanged prompt worse. The first is below the 5% that it holds because z
    with an estimated error is not quite normal. ``power`` to catch a drop of the margin sets how
    many items are asked at most. ``anytime``: betting in place of bounds for planned looks.
    """

    margin: float
    alpha_safe: float = 0.045
    alpha_drop: float = 0.05
    power: float = 0.9
    epochs: int = 1
    canary: int = 10
    seed: str = "0"
    anytime: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.margin < math.inf:
            raise ValueError(f"a margin must be above 0, not {self.margin:g}")
        if self.epochs < 1 or self.canary < 0:
            raise ValueError("epochs start at 1 and a canary has no fewer than 0 items")


@dataclass(frozen=True, slots=True)
class Design:
    """``looks``: how many items of ``order`` are asked by each look.

    ``wanted`` items have the power that the rules ask for; ``detectable`` is the drop that those
    at the last look catch with it.
    """

    stage: Stage
    rules: Rules
    order: ItemOrder
    looks: tuple[int, ...]
    safe_bounds: tuple[float, ...]
    drop_bounds: tuple[float, ...]
    wanted: int
    detectable: float

    @property
    def missing(self) -> int:
        """Items that the suite lacks."""
        return max(0, self.wanted - len(self.order.places))

    @property
    def confidence(self) -> float:
        """Of the repeated intervals, both sides together."""
        return 1 - self.rules.alpha_safe - self.rules.alpha_drop


def design(past: Past, rules: Rules, stage: Stage = Stage.FIRST) -> Design:
    """Where it looks and what its bounds are, from the baseline alone."""
    order = _order(past, rules, f"{rules.seed}/{stage}")
    spread = _spread(past, rules, stage)
    wanted = _wanted(past, rules, spread)
    looks = _looks(past, order, min(wanted, past.items))
    if rules.anytime:
        safe = tuple(-math.log(rules.alpha_safe) for _ in looks)
        drop = tuple(-math.log(rules.alpha_drop) for _ in looks)
    else:
        shares = tuple(look / looks[-1] for look in looks)
        gammas = _SHORT_GAMMAS if wanted > past.items else _GAMMAS
        safe = hwang_shih_decani(rules.alpha_safe, shares, gammas[0])
        drop = hwang_shih_decani(rules.alpha_drop, shares, gammas[1])
    return Design(
        stage=stage,
        rules=rules,
        order=order,
        looks=looks,
        safe_bounds=safe,
        drop_bounds=drop,
        wanted=wanted,
        detectable=_detectable(past, rules, spread, looks[-1]),
    )


def _order(past: Past, rules: Rules, seed: str) -> ItemOrder:
    """A bettor bets on what nothing before it foretells: on whole clusters."""
    if rules.anytime:
        return order_evenly(past.items, past.clusters, seed)
    return order_items(past, rules.margin, seed)


def _spread(past: Past, rules: Rules, stage: Stage) -> float:
    """Variance of what one item says of the change, where there is none."""
    if stage is Stage.FRESH:
        return 2 * past.noise / rules.epochs
    if past.within is None:
        return past.noise * (1 + 1 / rules.epochs)  # one run each: nothing is adjusted
    return past.left_over(rules.epochs)


def _drop_noise(past: Past) -> float:
    """Variance that each point of a drop adds: answers that were right are now so at times."""
    return past.span * float(past.means.mean()) if past.span else 0.0


def _factor(rules: Rules) -> float:
    normal = NormalDist()
    return _EXTRA * (normal.inv_cdf(1 - rules.alpha_drop) + normal.inv_cdf(rules.power)) ** 2


def _wanted(past: Past, rules: Rules, spread: float) -> int:
    variance = spread + rules.margin * _drop_noise(past)
    return max(2, math.ceil(_factor(rules) * variance / rules.margin**2))


def _detectable(past: Past, rules: Rules, spread: float, items: int) -> float:
    """The d with ``items d^2 = factor (spread + noise d)``."""
    factor = _factor(rules)
    linear = factor * _drop_noise(past)
    return (linear + math.sqrt(linear**2 + 4 * items * factor * spread)) / (2 * items)


def _looks(past: Past, order: ItemOrder, most: int) -> tuple[int, ...]:
    step = max(_STEP, round(_STEP_SHARE * most))
    first = max(_FEWEST, round(_FIRST_SHARE * most))
    last = order.whole(min(most + (first - most) % step, len(order.places)))
    found: list[int] = []
    for planned in range(first, last, step):
        items = order.whole(planned)
        names = order.places if past.clusters is None else past.clusters
        if len({names[place] for place in order.places[:items]}) >= _FEWEST_GROUPS:
            found.append(items)
    return (*sorted({items for items in found if items < last}), last)
