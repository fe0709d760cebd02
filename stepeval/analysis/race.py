"""Which arm to use, without asking every arm every item.

The rule: the cheapest arm that is not shown worse than another by more than the margin. "The one
with the highest score" would mostly buy an expensive arm that is no better. All arms still in the
race answer the same items, and an arm leaves it once further answers could hardly make it the pick.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from stepeval.analysis.item_order import ItemOrder, order_evenly
from stepeval.analysis.past import Floats
from stepeval.stats.adjusted import Adjusted, adjusted_difference
from stepeval.stats.spending import hwang_shih_decani

_POWER = 0.8
_MOST_LACKING = 0.1  # of an arm's items without a score
_PATIENCE = 0.0  # gamma: every round may spend the same


@dataclass(frozen=True, slots=True)
class Contender:
    """An arm. Those of one ``tier`` differ in what hardly costs, such as the temperature, and are
    compared with others as one; an arm alone in its tier is compared as it is.
    """

    name: str
    tier: str


@dataclass(frozen=True, slots=True)
class RaceRules:
    """``margin`` > 0 in units of the score.

    ``alpha`` bounds, over all rounds, the chance that two tiers exactly a margin apart are told to
    be on the wrong side of it, either way; tiers that are equal or two margins apart seldom are.
    It is no test's 5%: an arm must be picked, and too late costs as surely as too early.
    """

    margin: float
    alpha: float = 0.2
    per_round: int = 25
    seed: str = "0"
    span: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.margin < math.inf:
            raise ValueError(f"a margin must be above 0, not {self.margin:g}")


class Why(StrEnum):
    WORSE_THAN_SIBLING = "shown worse than another of its tier"
    TOO_MUCH_WORSE = "shown worse by more than the margin"
    DOMINATED = "costs more and is shown worse"
    NOT_WORTH_IT = "costs more and is shown not to be better by the margin"


@dataclass(frozen=True, slots=True)
class Drop:
    """``arm`` left after ``items``: ``change`` is it less ``against``, z past its ``bound``."""

    arm: str
    why: Why
    against: str
    items: int
    change: float
    error: float
    z: float
    bound: float


@dataclass(frozen=True, slots=True)
class Heat:
    """What is asked next: the items at ``places`` of every arm in ``live``."""

    places: tuple[int, ...]
    live: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """``tied``: other tiers in the race at its end, so that more items might have changed it.

    ``resolution`` is the difference between two tiers that all items of the suite, ``every``, tell
    in four of five times, None where none were compared; ``wanted`` items would tell the margin.
    ``unanswered``: tiers that could not be the pick, since more than a tenth of theirs, and more
    than the margin, has no score; where that is so of all, the pick is among them.
    """

    arm: str
    items: int
    drops: tuple[Drop, ...]
    tied: tuple[str, ...]
    resolution: float | None
    wanted: int | None
    every: int
    unanswered: tuple[str, ...] = ()

    @property
    def is_decidable(self) -> bool:
        """Whether the suite tells a difference of the margin in four of five times.

        If not, the pick rests on luck as much as on the arms, and that is to be said.
        """
        return self.wanted is None or self.wanted <= self.every


class Race:
    """``heat`` is None once there is a ``pick``. Same arms, rules and scores: same race."""

    def __init__(
        self,
        arms: Sequence[Contender],
        items: int,
        rules: RaceRules,
        clusters: Sequence[Hashable] | None = None,
    ) -> None:
        if not arms or items < 1:
            raise ValueError("a race needs an arm and an item")
        self.rules = rules
        self.order: ItemOrder = order_evenly(items, clusters, f"{rules.seed}/race")
        self.rounds = _rounds(self.order, rules.per_round)
        self.live = list(arms)
        self.drops: list[Drop] = []
        self.pick: Pick | None = None
        shares = tuple(end / items for end in self.rounds)
        self._bounds = hwang_shih_decani(rules.alpha, shares, _PATIENCE)
        self._clusters = clusters
        self._resolution: float | None = None
        self._number = 0
        self._scores = {arm.name: np.zeros(0) for arm in arms}
        self._costs = {arm.name: np.zeros(0) for arm in arms}

    @property
    def heat(self) -> Heat | None:
        if self.pick is not None:
            return None
        begin = self.rounds[self._number - 1] if self._number else 0
        end = self.rounds[self._number]
        return Heat(self.order.places[begin:end], tuple(arm.name for arm in self.live))

    def tell(self, scores: Mapping[str, ArrayLike], costs: Mapping[str, ArrayLike]) -> None:
        """For each live arm the scores of the heat's items, in their order, and what they cost.

        NaN: there is none. Where no cost is known, arms are held to cost more in their order.
        """
        heat = self.heat
        if heat is None:
            raise ValueError("there is a pick: nothing more is asked")
        for name in heat.live:
            for kept, told in ((self._scores, scores), (self._costs, costs)):
                values = np.asarray(told[name], dtype=np.float64)
                if values.shape != (len(heat.places),):
                    raise ValueError(f"{len(heat.places)} values of {name} were asked for")
                kept[name] = np.concatenate([kept[name], values])
        self._number += 1
        self._drop_siblings()
        self._drop_tiers()
        if len(self._tiers()) == 1 or self._number == len(self.rounds):
            self.pick = self._picked()

    def _drop_siblings(self) -> None:
        for members in self._tiers().values():
            best = max(members, key=lambda name: _mean(self._scores[name]))
            for name in members:
                more = self._compare(self._scores[name], self._scores[best])
                if name != best and more is not None and (z := more.below(0.0)) > self._bound:
                    self._drop([name], best, more, z, Why.WORSE_THAN_SIBLING)

    def _drop_tiers(self) -> None:
        """Tiers that can neither be the pick nor be what makes a cheaper one too bad to pick.

        A tier in between, no better than a cheaper one, may still be the pick where the dearest
        turns out to be far better than the cheapest: only these two ends are judged by "not worth
        it", the dearest against every other and all others against the cheapest.
        """
        tiers = self._tiers()
        means = {tier: self._tier_scores(names) for tier, names in tiers.items()}
        # One of many failures is compared with nothing: nobody leaves it, nor because of it.
        ordered = [t for t in self._by_price(tiers) if any(map(self._answers, tiers[t]))]
        found: dict[tuple[str, str], Adjusted] = {}
        for cheap, dear in combinations(ordered, 2):
            against = self._compare(means[dear], means[cheap])
            if against is None:
                return
            found[cheap, dear] = against
        if found:
            self._note_resolution(found.values())
        margin = self.rules.margin
        for (cheap, dear), more in found.items():
            self._judge(cheap, dear, _turned(more), more.above(margin), Why.TOO_MUCH_WORSE)
            self._judge(dear, cheap, more, more.below(0.0), Why.DOMINATED)
        if ordered:
            self._drop_from_the_ends(ordered, found)

    def _drop_from_the_ends(
        self, ordered: Sequence[str], found: Mapping[tuple[str, str], Adjusted]
    ) -> None:
        left = [tier for tier in ordered if tier in self._tiers()]
        margin = self.rules.margin
        while len(left) > 1:
            *cheaper, dearest = left
            least = min(cheaper, key=lambda tier: found[tier, dearest].below(margin))
            more = found[least, dearest]
            if not self._judge(dearest, least, more, more.below(margin), Why.NOT_WORTH_IT):
                break
            left = cheaper
        cheapest, *dearer = left
        if all(found[cheapest, tier].below(margin) > self._bound for tier in dearer):
            for tier in dearer:
                more = found[cheapest, tier]
                self._judge(tier, cheapest, more, more.below(margin), Why.NOT_WORTH_IT)

    def _judge(self, tier: str, other: str, found: Adjusted, z: float, why: Why) -> bool:
        """Whether the tier leaves, which it does once and only while the other is there."""
        tiers = self._tiers()
        if z <= self._bound or not {tier, other} <= tiers.keys():
            return False
        self._drop(tiers[tier], other, found, z, why)
        return True

    def _drop(self, names: Sequence[str], other: str, found: Adjusted, z: float, why: Why) -> None:
        items = self.rounds[self._number - 1]
        for name in names:
            found_here = (items, found.value, found.error, z, self._bound)
            self.drops.append(Drop(name, why, other, *found_here))
        self.live = [arm for arm in self.live if arm.name not in names]

    @property
    def _bound(self) -> float:
        return self._bounds[self._number - 1]

    def _compare(self, left: Floats, right: Floats) -> Adjusted | None:
        """Left less right, on the items that both have."""
        known = np.isfinite(left) & np.isfinite(right)
        nothing = np.zeros(int(known.sum()))
        names = None
        if self._clusters is not None:
            seen = np.array(self.order.places[: len(left)])[known]
            names = [self._clusters[place] for place in seen.tolist()]
        return adjusted_difference(
            (left - right)[known], nothing, nothing, clusters=names, span=self.rules.span
        )

    def _tiers(self) -> dict[str, list[str]]:
        tiers: dict[str, list[str]] = {}
        for arm in self.live:
            tiers.setdefault(arm.tier, []).append(arm.name)
        return tiers

    def _tier_scores(self, names: Sequence[str]) -> Floats:
        total: Floats = np.mean([self._scores[name] for name in names], axis=0)
        return total

    def _by_price(self, tiers: Mapping[str, list[str]]) -> list[str]:
        """Cheapest first, by what was measured."""
        places = {tier: place for place, tier in enumerate(tiers)}
        prices = {
            tier: _mean(np.concatenate([self._costs[name] for name in names]))
            for tier, names in tiers.items()
        }
        return sorted(tiers, key=lambda tier: (prices[tier], places[tier]))

    def _picked(self) -> Pick:
        tiers = self._tiers()
        ordered = self._by_price(tiers)
        able = [tier for tier in ordered if any(map(self._answers, tiers[tier]))] or ordered
        members = [*filter(self._answers, tiers[able[0]])] or tiers[able[0]]
        every = len(self.order.places)
        told = self._resolution
        return Pick(
            arm=max(members, key=lambda name: _mean(self._scores[name])),
            items=self.rounds[self._number - 1],
            drops=tuple(self.drops),
            tied=tuple(able[1:]),
            resolution=told,
            wanted=None if told is None else math.ceil(every * (told / self.rules.margin) ** 2),
            every=every,
            unanswered=tuple(t for t in ordered if not any(map(self._answers, tiers[t]))),
        )

    def _answers(self, name: str) -> bool:
        lacking = float(np.isnan(self._scores[name]).mean())
        return lacking <= max(_MOST_LACKING, self.rules.margin)

    def _note_resolution(self, found: Iterable[Adjusted]) -> None:
        """By the errors so far, which fall with the root of the items."""
        z = self._bounds[-1] + NormalDist().inv_cdf(_POWER)
        share = self.rounds[self._number - 1] / len(self.order.places)
        self._resolution = z * max(each.error for each in found) * math.sqrt(share)


def _rounds(order: ItemOrder, per_round: int) -> tuple[int, ...]:
    last = len(order.places)
    planned = (order.whole(end) for end in range(per_round, last, per_round))
    return tuple(sorted({*planned, last}))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else -math.inf


def _turned(found: Adjusted) -> Adjusted:
    return Adjusted(-found.value, found.error, found.degrees, -found.skewness, found.n, found.span)
