"""Two arms on the same items: differences and ratios of numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.bootstrap import DRAWS, bca, resamples, weighted_mean
from stepeval.stats.checked import Floats, Places, cluster_places, finite, level, paired
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate, clustered_mean, smallest_n
from stepeval.stats.student import t_quantile

FEW = 30  # below so many independent items t leans on a normal shape it has not seen
_ENUMERATED = 12  # 4,096 sign patterns
_FLIPS = 9_999
_ROUNDING = 1e-9


def mean_difference(
    differences: ArrayLike,
    clusters: Sequence[Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Of paired differences B - A, one an item (its epochs averaged).

    The mean with t, clusters' sums with the CR1 error and t(G - 1). Where fewer than 30 items, or
    clusters, are independent: the expanded BCa interval and the sign-flip test. That test also
    serves where fewer than 30 differ at all. Raises ValueError: a difference is not finite.
    """
    known = finite(differences)
    places, groups = cluster_places(clusters, len(known))
    sums = np.bincount(places, known, groups).astype(np.float64)
    estimate = _mean(known, sums, places, groups, confidence)
    few = np.count_nonzero(sums) < FEW
    test = "sign-flip permutation" if few else "paired t"
    if estimate.value is None or groups == 1:
        return Difference(estimate, None, test)
    if few:
        p: float | None = sign_flip(sums, seed)
    else:
        p = _t_p(estimate, confidence)
    if groups < FEW and estimate.low is not None:
        estimate = bca(
            weighted_mean, (known,), confidence, seed=seed, clusters=clusters, expanded=True
        )
    return Difference(estimate, p, test)


def sign_flip(differences: ArrayLike, seed: int = 0) -> float:
    """Two-sided p of "as likely up as down by as much": signs flipped at random (Fisher 1935).

    Differences of 0 change nothing. With up to 12 others all patterns are counted, and p is exact;
    else 9,999 are drawn and the observed one counts as one (Phipson and Smyth 2010).
    """
    known = finite(differences)
    known = np.abs(known[known != 0])
    signs_of = finite(differences)
    observed = abs(float(signs_of.sum())) * (1 - _ROUNDING)
    n = len(known)
    if n == 0:
        return 1.0
    if n <= _ENUMERATED:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        totals = (2.0 * bits - 1) @ known
        return float(np.mean(np.abs(totals) >= observed))
    chance = np.random.default_rng(seed)
    as_far = 1
    block = max(1, 2_000_000 // n)
    for start in range(0, _FLIPS, block):
        rows = min(block, _FLIPS - start)
        totals = (2.0 * chance.integers(0, 2, (rows, n)) - 1) @ known
        as_far += int(np.count_nonzero(np.abs(totals) >= observed))
    return as_far / (_FLIPS + 1)


def log_ratio(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> Difference:
    """B / A as ``exp`` of the mean ``log(b / a)`` and of its t interval; CR1 with clusters.

    Raises ValueError: there are not as many of both, or one is not finite.
    """
    left, right = paired(a, b)
    test = "paired t of logarithms"
    if (left <= 0).any() or (right <= 0).any():
        nothing = Estimate(None, None, None, len(left), "log ratio", "a value is not above 0")
        return Difference(nothing, None, test)
    logs = np.log(right) - np.log(left)
    places, groups = cluster_places(clusters, len(logs))
    sums = np.bincount(places, logs, groups).astype(np.float64)
    found = _mean(logs, sums, places, groups, confidence)
    ends = (found.value, found.low, found.high)
    value, low, high = (None if end is None else math.exp(end) for end in ends)
    estimate = Estimate(value, low, high, found.n, "log ratio", found.reason)
    return Difference(estimate, _t_p(found, confidence), test)


def quantile_shift(
    a: ArrayLike,
    b: ArrayLike,
    q: float,
    confidence: float = 0.95,
    seed: int = 0,
    *,
    clusters: Sequence[Any] | None = None,
) -> Difference:
    """The ``q`` quantile of B less that of A, by the percentile bootstrap over pairs.

    Raises ValueError: there are not as many of both, or one is not finite.
    """
    return _quantiles(a, b, q, confidence, seed, clusters=clusters, is_ratio=False)


def quantile_ratio(
    a: ArrayLike,
    b: ArrayLike,
    q: float,
    confidence: float = 0.95,
    seed: int = 0,
    *,
    clusters: Sequence[Any] | None = None,
) -> Difference:
    """As :func:`quantile_shift`, the quantile of B by that of A; every value above 0."""
    return _quantiles(a, b, q, confidence, seed, clusters=clusters, is_ratio=True)


def _mean(known: Floats, sums: Floats, places: Places, groups: int, confidence: float) -> Estimate:
    level(confidence)
    counts = np.bincount(places, minlength=groups)
    found = clustered_mean(sums.tolist(), counts.tolist(), confidence)
    if found.low is None or found.value is None:
        return found
    spread = np.ptp(sums - counts * found.value)
    if spread <= _ROUNDING * max(float(np.abs(known).max()), 1e-300):
        return Estimate(found.value, None, None, groups, "t", "the differences do not differ")
    return found


def _t_p(estimate: Estimate, confidence: float) -> float | None:
    """From the interval's own width: ``t = value / error`` with n - 1 degrees of freedom."""
    from scipy.special import stdtr  # noqa: PLC0415  -- takes longer than most reports

    if estimate.value is None or estimate.high is None:
        return None
    error = (estimate.high - estimate.value) / t_quantile(confidence, estimate.n - 1)
    return 2 * float(stdtr(estimate.n - 1, -abs(estimate.value) / error))


def _quantiles(
    a: ArrayLike,
    b: ArrayLike,
    q: float,
    confidence: float,
    seed: int,
    *,
    clusters: Sequence[Any] | None,
    is_ratio: bool,
) -> Difference:
    left, right = paired(a, b)
    n = len(left)
    method, test = "paired bootstrap", "paired bootstrap"
    places, groups = cluster_places(clusters, n)
    level(confidence)
    if n < smallest_n(q) or n == 0:
        reason = f"n too small: p{q * 100:g} needs {smallest_n(q)} values, there are {n}"
        return Difference(Estimate(None, None, None, groups, method, reason), None, test)
    if is_ratio and ((left <= 0).any() or (right <= 0).any()):
        reason = "a value is not above 0"
        return Difference(Estimate(None, None, None, groups, method, reason), None, test)
    sides = [(np.argsort(side, kind="stable"), np.sort(side)) for side in (left, right)]

    def compare(weights: Floats) -> Floats:
        low, high = (_weighted_quantile(weights[:, order], values, q) for order, values in sides)
        return np.log(high / low) if is_ratio else high - low

    value = float(compare(np.ones((1, n)))[0])
    drawn = np.concatenate([compare(w) for w in resamples(places, groups, DRAWS, seed)])
    back = math.exp if is_ratio else float
    if groups == 1 or np.ptp(drawn) <= 0:
        reason = "one cluster has no spread" if groups == 1 else "the values do not differ"
        return Difference(Estimate(back(value), None, None, groups, method, reason), None, test)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    low, high = min(float(low), value), max(float(high), value)
    beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p = min(1.0, 2 * (1 + int(beyond)) / (1 + DRAWS))
    return Difference(Estimate(back(value), back(low), back(high), groups, method), p, test)


def _weighted_quantile(weights: Floats, values: Floats, q: float) -> Floats:
    """Of each row's resample, by linear interpolation; ``values`` ascending."""
    upto = np.cumsum(weights, axis=1)
    place = q * (upto[:, -1] - 1)
    under = np.floor(place + _ROUNDING)
    last = len(values) - 1
    first = np.minimum((upto <= under[:, None]).sum(axis=1), last)
    then = np.minimum((upto <= under[:, None] + 1).sum(axis=1), last)
    share = np.clip(place - under, 0, 1)
    found: Floats = values[first] + (values[then] - values[first]) * share
    return found
