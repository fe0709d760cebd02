"""In which order items are asked: at random by a seed, clusters whole, telling ones earlier.

File order would do harm: where the hard items stand last, a look at the first says nothing true.
"""

import math
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from stepeval.analysis.past import Floats, Past

_CAUTION = 2.0  # margins are added to an item's variance: the always right ones stay in


@dataclass(frozen=True, slots=True, eq=False)
class ItemOrder:
    """``places`` (N,): items of the baseline in the order that they are asked.

    Clusters stand in it one after the other: ``ends`` are where they end, ``pulls`` (one for each
    of them) how much earlier than others they are drawn. A cluster of one item is an item.
    """

    places: tuple[int, ...]
    ends: tuple[int, ...]
    pulls: Floats
    is_even: bool

    def whole(self, items: int) -> int:
        """The fewest items from the start that are at least ``items`` and cut no cluster."""
        return next((end for end in self.ends if end >= items), self.ends[-1])

    def groups(self, items: int) -> int:
        """Clusters among the first ``items``, which cut none."""
        return self.ends.index(items) + 1

    def weights(self, items: int) -> Floats | None:
        """For each of the first ``items``, the inverse of its chance to be one of them.

        None where all had the same. A cluster comes with rate ``pull``, so that it is among those
        of the first moments up to t with the chance ``1 - exp(-pull t)``; t is where ``items`` are
        expected (Rosen 1997).
        """
        if self.is_even or items >= len(self.places):
            return None
        sizes = np.diff((0, *self.ends)).astype(np.float64)
        chances = -np.expm1(-_moment(self.pulls, sizes, items) * self.pulls)
        weights: Floats = np.repeat(1 / chances, sizes.astype(int))[:items]
        return weights


def order_items(past: Past, margin: float, seed: str, *, even: bool = False) -> ItemOrder:
    """By exponential clocks (Efraimidis and Spirakis 2006), the same for the same ``seed``.

    Items that the baseline had now right, now wrong, tell more each: their share of a sample rises
    with the root of the variance that is expected of them after a drop, at most about twice that of
    others. More than that would starve the always right ones, where a worse prompt shows.
    ``even``: all alike.
    """
    return _drawn(past.clusters, _pulls(past, margin, even=even), seed)


def order_evenly(items: int, clusters: Sequence[Hashable] | None, seed: str) -> ItemOrder:
    """Where nothing is known of the items; ``clusters`` (N,): names, None: independent."""
    return _drawn(clusters, np.ones(items), seed)


def _drawn(clusters: Sequence[Hashable] | None, pull: Floats, seed: str) -> ItemOrder:
    members: dict[Hashable, list[int]] = {}
    for place, name in enumerate(range(len(pull)) if clusters is None else clusters):
        members.setdefault(name, []).append(place)
    groups = list(members.values())
    pulls = [float(pull[group].mean()) for group in groups]
    clock = random.Random(seed)
    arrivals = [-math.log(1 - clock.random()) / rate for rate in pulls]
    drawn = sorted(range(len(groups)), key=arrivals.__getitem__)
    places = tuple(place for group in drawn for place in groups[group])
    ends = tuple(np.cumsum([len(groups[group]) for group in drawn]).tolist())
    return ItemOrder(places, ends, np.array([pulls[group] for group in drawn]), _alike(pulls))


def _pulls(past: Past, margin: float, *, even: bool) -> Floats:
    if even or not past.is_binary or past.within is None:
        return np.ones(past.items)
    chance = past.expected
    pulls: Floats = np.sqrt(np.clip(chance * (1 - chance), 0, None) + _CAUTION * margin)
    return pulls


def _alike(pulls: Sequence[float]) -> bool:
    return max(pulls) - min(pulls) < 1e-12 * max(pulls)


def _moment(pulls: Floats, sizes: Floats, items: int) -> float:
    """Where ``sum(sizes (1 - exp(-pulls t))) = items``, by Newton's method from below."""
    moment = 0.0
    for _ in range(100):
        left = sizes * np.exp(-moment * pulls)
        short = items - float((sizes - left).sum())
        moment += short / float(left @ pulls)
        if short < 1e-9 * items:
            break
    return moment
