"""Intervals from resampling, clusters as a whole, in numpy and in bounded memory.

A resample is a row of weights: how often it holds each value. Statistics are functions of weights
and columns, so that many resamples are one matrix product and unequal clusters need no loop.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepeval.stats.checked import Clusters, Floats, Places, cluster_places, finite, level
from stepeval.stats.estimate import Estimate
from stepeval.stats.student import t_quantile

DRAWS = 4_000
_ROOM = 2_000_000  # numbers in one block of resamples: 16 MB
_ROUNDING = 1e-12
_LEFT_OUT = 2_000  # jackknife values, of blocks of clusters where there are more

# (weights of shape (draws, n), columns of shape (n,)) -> values of shape (draws,)
Statistic = Callable[..., Floats]


def weighted_mean(weights: Floats, values: Floats) -> Floats:
    """A :data:`Statistic`: the mean."""
    found: Floats = weights @ values / weights.sum(axis=-1)
    return found


def weighted_ratio(weights: Floats, numerators: Floats, denominators: Floats) -> Floats:
    """A :data:`Statistic`: ratio of sums; infinite where the denominators' sum is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (weights @ numerators) / (weights @ denominators)
    return found


def resamples(places: Places, groups: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Blocks of weights, ``draws`` rows in all: ``groups`` clusters drawn with replacement."""
    chance = np.random.default_rng(seed)
    block = max(1, min(draws, _ROOM // max(1, len(places), groups)))
    is_own = len(places) == groups
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        drawn = chance.integers(0, groups, (rows, groups))
        drawn += np.arange(rows)[:, None] * groups
        counts = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        weights = counts.astype(np.float64)
        yield weights if is_own else weights[:, places]


def distribution(
    statistic: Statistic,
    columns: Sequence[ArrayLike],
    draws: int = DRAWS,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Floats:
    """The statistic of ``draws`` resamples, in the order drawn."""
    known = [finite(column) for column in columns]
    places, groups = cluster_places(clusters, len(known[0]))
    blocks = resamples(places, groups, draws, seed)
    return np.concatenate([statistic(weights, *known) for weights in blocks])


def bca(
    statistic: Statistic,
    columns: Sequence[ArrayLike],
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
    *,
    clusters: Clusters | None = None,
    expanded: bool = False,
) -> Estimate:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987).

    Its ends are the quantiles ``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`` of the resamples, z0 from
    how many lie below the value, a from the jackknife over clusters. ``expanded`` takes
    ``t(G - 1) sqrt(G / (G - 1))`` for z, which undoes the bootstrap's narrowness at few values
    (Hesterberg 2015, 4.4). An infinite end is no bound. ``n`` counts clusters.
    """
    known = [finite(column) for column in columns]
    places, groups = cluster_places(clusters, len(known[0]))
    tail = NormalDist().inv_cdf((1 + level(confidence)) / 2)
    if groups == 0:
        return Estimate(None, None, None, 0, "bca", "no values")
    value = float(statistic(np.ones((1, len(known[0]))), *known)[0])
    if not math.isfinite(value):
        return Estimate(None, None, None, groups, "bca", "it is not finite")
    if groups == 1:
        return Estimate(value, None, None, 1, "bca", "one value has no spread")
    if expanded:
        tail = t_quantile(confidence, groups - 1) * math.sqrt(groups / (groups - 1))
    blocks = resamples(places, groups, draws, seed)
    drawn = np.sort(np.concatenate([statistic(weights, *known) for weights in blocks]))
    if np.isnan(drawn).any():
        return Estimate(value, None, None, groups, "bca", "a resample has no value")
    scale = _ROUNDING * max(1.0, abs(value))
    if drawn[-1] - drawn[0] <= scale:
        return Estimate(value, None, None, groups, "bca", "the values do not differ")
    acceleration = _acceleration(_jackknife(statistic, known, places, groups))
    below = (np.searchsorted(drawn, value - scale) + np.searchsorted(drawn, value + scale)) / 2
    low, high = _ends(drawn, float(below), acceleration, tail)
    return Estimate(value, _bound(min(low, value)), _bound(max(high, value)), groups, "bca")


def _jackknife(
    statistic: Statistic, columns: Sequence[Floats], places: Places, groups: int
) -> Floats:
    """The statistic without each cluster in turn; without each of 2,000 blocks of them, if many.

    The acceleration is the same in expectation: sums of m have a skewness lower by ``sqrt(m)``.
    """
    if groups > _LEFT_OUT:
        places, groups = places * _LEFT_OUT // groups, _LEFT_OUT
    block = max(1, _ROOM // len(places))
    found = []
    for start in range(0, groups, block):
        left_out = np.arange(start, min(start + block, groups))
        weights = (places[None, :] != left_out[:, None]).astype(np.float64)
        found.append(statistic(weights, *columns))
    return np.concatenate(found)


def _acceleration(left_out: Floats) -> float:
    """``sum(d^3) / (6 sum(d^2)^1.5)``; 0 where a value left out makes the statistic infinite."""
    if not np.isfinite(left_out).all():
        return 0.0
    off = left_out.mean() - left_out
    squares = float((off**2).sum())
    return float((off**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0


def _ends(drawn: Floats, below: float, acceleration: float, tail: float) -> tuple[float, float]:
    normal = NormalDist()
    draws = len(drawn)
    bias = normal.inv_cdf(min(max(below, 0.5), draws - 0.5) / draws)
    ends = []
    for z in (bias - tail, bias + tail):
        bend = 1 - acceleration * z
        share = normal.cdf(bias + z / bend) if bend > 0 else float(z > 0)
        ends.append(share)
    # Outward, so that the interval is never narrower than what the draws hold.
    low = drawn[max(0, math.floor(ends[0] * (draws + 1)) - 1)]
    high = drawn[min(draws - 1, math.ceil(ends[1] * (draws + 1)) - 1)]
    return float(low), float(high)


def _bound(end: float) -> float | None:
    return end if math.isfinite(end) else None
