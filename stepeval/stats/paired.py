"""Two arms on the same items: differences and ratios of numbers."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.bootstrap import bca, weighted_mean
from stepeval.stats.checked import Clusters, Floats, cluster_places, finite, level, paired
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import BOOTSTRAPPED, Estimate
from stepeval.stats.quantiles import quantile_ratio, quantile_shift

__all__ = ["log_ratio", "mean_difference", "quantile_ratio", "quantile_shift", "sign_flip"]

_FEW = 30  # with fewer that differ, t's p leans on a normal shape it has not seen
_ENUMERATED = 12  # 4,096 sign patterns
_FLIPS = 9_999
_BLOCK = 2_000_000  # signs at a time: 16 MB
_ROUNDING = 1e-9


def mean_difference(
    differences: ArrayLike,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Of paired differences B - A, one an item (its epochs averaged).

    Their mean with t; with clusters the CR1 error and t(G - 1). Of 8 to 29 independent items, or
    clusters: the expanded BCa interval. Where fewer than 30 differ at all, p is that of signs
    flipped. Where all are the same there are no bounds: t would claim certainty. ``n`` counts
    clusters, where there are some. Raises ValueError: a difference is not finite.
    """
    known = finite(differences)
    mean, sums = _mean(known, clusters)
    few = np.count_nonzero(sums) < _FEW
    test = "sign-flip permutation" if few else "paired t"
    estimate = mean.estimate("t", confidence)
    if mean.value is None or mean.groups == 1:
        return Difference(estimate, None, test)
    p = sign_flip(sums, seed) if few else mean.p()
    if mean.groups in BOOTSTRAPPED and mean.error is not None:
        estimate = bca(
            weighted_mean, (known,), confidence, seed=seed, clusters=clusters, expanded=True
        )
    return Difference(estimate, p, test)


def sign_flip(differences: ArrayLike, seed: int = 0) -> float:
    """Two-sided p of "as likely up as down by as much": signs flipped at random (Fisher 1935).

    Differences of 0 change nothing. With up to 12 others all patterns are counted, and p is exact;
    else 9,999 are drawn, and what was seen is one more (Phipson and Smyth 2010). ``seed`` is
    theirs. Raises ValueError: a difference is not finite.
    """
    known = finite(differences)
    sizes = np.abs(known[known != 0])
    n = len(sizes)
    # Sums of the same numbers in another order differ by rounding.
    seen = abs(float(known.sum())) - _ROUNDING * float(sizes.sum())
    if n <= _ENUMERATED:
        signs = 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1
        return float(np.mean(np.abs(signs @ sizes) >= seen))
    chance = np.random.default_rng(seed)
    as_far = 1
    block = max(1, _BLOCK // n)
    for start in range(0, _FLIPS, block):
        rows = min(block, _FLIPS - start)
        sums = (2.0 * chance.integers(0, 2, (rows, n)) - 1) @ sizes
        as_far += int(np.count_nonzero(np.abs(sums) >= seen))
    return as_far / (_FLIPS + 1)


def log_ratio(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> Difference:
    """B / A as ``exp`` of the mean ``log(b / a)`` and of its t interval; CR1 with clusters.

    Raises ValueError: there are not as many of both, or one is not finite.
    """
    left, right = paired(a, b)
    method, test = "log ratio", "paired t of logarithms"
    if (left <= 0).any() or (right <= 0).any():
        nothing = Estimate(None, None, None, len(left), method, "a value is not above 0")
        return Difference(nothing, None, test)
    mean, _ = _mean(np.log(right) - np.log(left), clusters)
    found = mean.estimate(method, confidence)
    value, low, high = (
        None if end is None else math.exp(end) for end in (found.value, found.low, found.high)
    )
    return Difference(Estimate(value, low, high, found.n, method, found.reason), mean.p(), test)


@dataclass(frozen=True, slots=True)
class _Mean:
    """``error`` None: ``reason`` says why it is not known."""

    value: float | None
    error: float | None
    groups: int
    reason: str | None

    def estimate(self, method: str, confidence: float) -> Estimate:
        from scipy.special import stdtrit  # noqa: PLC0415  -- takes longer than most reports

        level(confidence)
        if self.value is None or self.error is None:
            return Estimate(self.value, None, None, self.groups, method, self.reason)
        half = float(stdtrit(self.groups - 1, (1 + confidence) / 2)) * self.error
        return Estimate(self.value, self.value - half, self.value + half, self.groups, method)

    def p(self) -> float | None:
        from scipy.special import stdtr  # noqa: PLC0415  -- takes longer than most reports

        if self.value is None or self.error is None:
            return None
        return 2 * float(stdtr(self.groups - 1, -abs(self.value) / self.error))


def _mean(known: Floats, clusters: Clusters | None) -> tuple[_Mean, Floats]:
    """The mean with its CR1 error, and the clusters' sums.

    As :func:`stepeval.stats.estimate.clustered_mean`, over arrays.
    """
    n = len(known)
    places, groups = cluster_places(clusters, n)
    sums = np.bincount(places, known, groups).astype(np.float64)
    if groups == 0:
        return _Mean(None, None, 0, "no values"), sums
    value = float(known.sum()) / n
    if groups == 1:
        return _Mean(value, None, 1, "one item or cluster has no spread"), sums
    off = sums - np.bincount(places, minlength=groups) * value
    if np.abs(off).max() <= _ROUNDING * np.abs(sums).max():
        return _Mean(value, None, groups, "the differences are all the same"), sums
    error = math.sqrt(groups / (groups - 1) * float(off @ off)) / n
    return _Mean(value, error, groups, None), sums
