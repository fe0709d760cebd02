"""In which order items are asked: at random by a seed, telling ones earlier.

File order would do harm: where the hard items stand last, a look at the first says nothing true.
"""

import math
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from stepeval.analysis.past import Floats, Past

_ALIKE = 1e-9
_CAUTION = 2.0  # margins are added to an item's variance: the always right ones stay in


@dataclass(frozen=True, slots=True, eq=False)
class ItemOrder:
    """``places`` (N,): items in the order that they are asked. ``ends``: where it may be looked at
    them, after each item or, where clusters stand whole, after each of these.

    ``pulls`` (N,), in that order: how much earlier than others an item is drawn; None: all alike.
    """

    places: tuple[int, ...]
    ends: tuple[int, ...]
    pulls: Floats | None = None

    def whole(self, items: int) -> int:
        """The fewest items from the start that are at least ``items`` and cut no cluster."""
        return next((end for end in self.ends if end >= items), self.ends[-1])

    def weights(self, items: int) -> Floats | None:
        """For each of the first ``items``, the inverse of its chance to be one of them.

        None where all had the same. An item comes with rate ``pull``, so that it is among those of
        the first moments up to t with the chance ``1 - exp(-pull t)``; t is where ``items`` are
        expected (Rosen 1997).
        """
        if self.pulls is None or items >= len(self.places):
            return None
        chances = -np.expm1(-_moment(self.pulls, items) * self.pulls)
        weights: Floats = 1 / chances[:items]
        return weights


def order_items(past: Past, margin: float, seed: str) -> ItemOrder:
    """By exponential clocks (Efraimidis and Spirakis 2006), the same for the same ``seed``.

    Items that the baseline had now right, now wrong, tell more each: their share of a sample rises
    with the root of the variance that is expected of them after a drop, at most about twice that of
    others. More than that would starve the always right ones, where a worse prompt shows.
    Clusters are mixed, so that the first look sees many of them: whole ones would know less of
    their own spread and cost a tenth more calls. What two looks share of a cluster makes them more
    alike than their bounds suppose, and the bounds hold.
    """
    chance = past.expected
    if not past.is_binary or past.within is None:
        return order_evenly(past.items, None, seed)
    pulls = np.sqrt(np.clip(chance * (1 - chance), 0, None) + _CAUTION * margin)
    drawn = _drawn(pulls, seed)
    alike = bool(np.ptp(pulls) < _ALIKE * pulls.max())
    ends = tuple(range(1, past.items + 1))
    return ItemOrder(tuple(drawn), ends, None if alike else pulls[drawn])


def order_evenly(items: int, clusters: Sequence[Hashable] | None, seed: str) -> ItemOrder:
    """All items alike; ``clusters`` (N,): names of what is to stand together, None: nothing."""
    members: dict[Hashable, list[int]] = {}
    for place, name in enumerate(range(items) if clusters is None else clusters):
        members.setdefault(name, []).append(place)
    groups = list(members.values())
    drawn = [groups[group] for group in _drawn(np.ones(len(groups)), seed)]
    ends = tuple(np.cumsum([len(group) for group in drawn]).tolist())
    return ItemOrder(tuple(place for group in drawn for place in group), ends)


def _drawn(pulls: Floats, seed: str) -> list[int]:
    clock = random.Random(seed)
    arrivals = [-math.log(1 - clock.random()) / rate for rate in pulls.tolist()]
    return sorted(range(len(arrivals)), key=arrivals.__getitem__)


def _moment(pulls: Floats, items: int) -> float:
    """Where ``sum(1 - exp(-pulls t)) = items``, by Newton's method from below."""
    moment = 0.0
    for _ in range(100):
        left = np.exp(-moment * pulls)
        short = items - float((1 - left).sum())
        moment += short / float(left @ pulls)
        if short < 1e-9 * items:
            break
    return moment
