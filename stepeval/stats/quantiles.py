"""How far the quantiles of two arms lie apart, on the same items."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepeval.stats.bootstrap import DRAWS, resamples
from stepeval.stats.checked import Clusters, Floats, cluster_places, level, paired
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate, smallest_n

_METHOD = "paired bootstrap"
_FAR = 8.0  # standard deviations from a quantile's rank: hardly a resample's lies beyond
_ROUNDING = 1e-9


def quantile_shift(
    a: ArrayLike,
    b: ArrayLike,
    q: float,
    confidence: float = 0.95,
    seed: int = 0,
    *,
    clusters: Clusters | None = None,
) -> Difference:
    """The ``q`` quantile of B less that of A, by the percentile bootstrap over pairs.

    Quantiles by linear interpolation. Pairs, or clusters, are resampled whole, so that what both
    arms share cancels (Efron and Tibshirani 1993, 13.3; not BCa: a quantile has no jackknife). p
    is twice the lesser share of resamples on either side of 0. None below
    :func:`stepeval.stats.estimate.smallest_n`. Raises ValueError: there are not as many of both,
    or one is not finite.
    """
    left, right = paired(a, b)
    return _compare(left, right, q, confidence, seed, clusters=clusters, back=float)


def quantile_ratio(
    a: ArrayLike,
    b: ArrayLike,
    q: float,
    confidence: float = 0.95,
    seed: int = 0,
    *,
    clusters: Clusters | None = None,
) -> Difference:
    """As :func:`quantile_shift`, the quantile of B by that of A; every value above 0."""
    left, right = paired(a, b)
    if (left <= 0).any() or (right <= 0).any():
        nothing = Estimate(None, None, None, len(left), _METHOD, "a value is not above 0")
        return Difference(nothing, None, _METHOD)
    return _compare(left, right, q, confidence, seed, clusters=clusters, back=math.exp)


def _compare(
    left: Floats,
    right: Floats,
    q: float,
    confidence: float,
    seed: int,
    *,
    clusters: Clusters | None,
    back: Callable[[float], float],
) -> Difference:
    """``back`` is exp where logarithms of quantiles are compared, so that p is of the same set."""
    level(confidence)
    n, fewest = len(left), smallest_n(q)
    places, groups = cluster_places(clusters, n)
    if n < fewest:
        reason = f"n too small: p{q * 100:g} needs {fewest} values, there are {n}"
        return Difference(Estimate(None, None, None, groups, _METHOD, reason), None, _METHOD)
    sides = [(np.argsort(side, kind="stable"), np.sort(side)) for side in (left, right)]

    def shift(weights: Floats) -> Floats:
        low, high = (_quantile(weights, order, values, q) for order, values in sides)
        return high - low if back is float else np.log(high) - np.log(low)

    value = float(shift(np.ones((1, n)))[0])
    drawn = np.concatenate([shift(w) for w in resamples(places, groups, DRAWS, seed)])
    if np.ptp(drawn) <= _ROUNDING * abs(value):
        reason = "one cluster has no spread" if groups == 1 else "no resample differs"
        nothing = Estimate(back(value), None, None, groups, _METHOD, reason)
        return Difference(nothing, None, _METHOD)
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    low, high = min(low, value), max(high, value)
    beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p = min(1.0, 2 * (1 + int(beyond)) / (1 + DRAWS))
    return Difference(Estimate(back(value), back(low), back(high), groups, _METHOD), p, _METHOD)


def _quantile(weights: Floats, order: NDArray[np.intp], values: Floats, q: float) -> Floats:
    """Of each row's resample; ``values`` ascend, ``order`` are their columns in ``weights``.

    Looks about the rank first: the weights in order are most of the work.
    """
    n = len(values)
    reach = math.ceil(_FAR * math.sqrt(n * q * (1 - q)) + _FAR)
    start, end = max(0, math.floor(n * q) - reach), min(n, math.ceil(n * q) + reach)
    place = q * (weights.sum(axis=1) - 1)
    under = np.floor(place + _ROUNDING)
    before, upto = _counted(weights, order, start, end)
    if (before > under).any() or (upto[:, -1] <= under + 1).any():
        start, end = 0, n
        before, upto = _counted(weights, order, start, end)
    first = start + (upto <= under[:, None]).sum(axis=1)
    then = np.minimum(start + (upto <= under[:, None] + 1).sum(axis=1), n - 1)
    found: Floats = values[first] + (values[then] - values[first]) * np.clip(place - under, 0, 1)
    return found


def _counted(
    weights: Floats, order: NDArray[np.intp], start: int, end: int
) -> tuple[Floats, Floats]:
    """How many each resample holds before ``start``, and up to each value from there to ``end``."""
    is_before = np.zeros(len(order))
    is_before[order[:start]] = 1.0
    before = weights @ is_before
    return before, before[:, None] + np.cumsum(weights[:, order[start:end]], axis=1)
