"""One number with its interval."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from stepeval.stats.student import t_quantile

_ENOUGH = 0.01  # at least one value beyond the percentile in 99 of 100 such samples
_FAR = 12.0  # standard deviations beyond which a binomial's mass is below 1e-30

# So many independent values are few enough for t to lean on a shape it has not seen, and enough to
# be resampled. Coverage of either method on both sides: tests/stats, docs/statistics.md.
BOOTSTRAPPED = range(8, 30)


@dataclass(frozen=True, slots=True)
class Estimate:
    """``low`` or ``high`` None: no bound on that side. ``n`` counts the values behind it.

    ``value`` None: there is no estimate, ``reason`` says why.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    reason: str | None = None


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Wilson's score interval of a proportion (Wilson 1927, without continuity correction)."""
    if n == 0:
        return _nothing(0, "wilson", "no values")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the exact bounds are 0 and 1; rounding would miss them.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(p, low, high, n, "wilson")


def mean_t(values: Iterable[float], confidence: float = 0.95) -> Estimate:
    """Mean of independent values, ``mean +- t(n-1) * s / sqrt(n)``; one value has no interval."""
    known = tuple(values)
    n = len(known)
    if n == 0:
        return _nothing(0, "t", "no values")
    mean = math.fsum(known) / n
    if n == 1:
        return Estimate(mean, None, None, 1, "t", "one value has no spread")
    half = t_quantile(confidence, n - 1) * math.sqrt(_covariance(known, known) / n)
    return Estimate(mean, mean - half, mean + half, n, "t")


def clustered_mean(
    sums: Sequence[float], counts: Sequence[int], confidence: float = 0.95
) -> Estimate:
    """Mean of values that stand in independent clusters, from each cluster's sum and count.

    ``p = sum(sums) / N``, N = sum(counts), with the cluster-robust (CR1) standard error
    ``sqrt(G / (G - 1) * sum((sums_g - counts_g * p)^2)) / N`` and t(G - 1) (Liang and Zeger 1986).
    With equal counts it is :func:`mean_t` of the cluster means. ``n`` is G, the clusters with a
    value; one cluster has no interval.
    """
    clusters = [(s, n) for s, n in zip(sums, counts, strict=True) if n]
    groups = len(clusters)
    if groups == 0:
        return _nothing(0, "t", "no values")
    total = sum(n for _, n in clusters)
    mean = math.fsum(s for s, _ in clusters) / total
    if groups == 1:
        return Estimate(mean, None, None, 1, "t", "one item or cluster has no spread")
    squares = math.fsum((s - n * mean) ** 2 for s, n in clusters)
    half = t_quantile(confidence, groups - 1) * math.sqrt(groups / (groups - 1) * squares) / total
    return Estimate(mean, mean - half, mean + half, groups, "t")


def geometric_mean(values: Iterable[float], confidence: float = 0.95) -> Estimate:
    """``exp`` of the mean logarithm and of its t interval. Every value must be above 0."""
    known = tuple(values)
    if any(value <= 0 for value in known):
        return _nothing(len(known), "geometric", "a value is not above 0")
    logs = mean_t([math.log(value) for value in known], confidence)
    if logs.value is None:
        return _nothing(0, "geometric", "no values")
    low = None if logs.low is None else math.exp(logs.low)
    high = None if logs.high is None else math.exp(logs.high)
    return Estimate(math.exp(logs.value), low, high, logs.n, "geometric", logs.reason)


def smallest_n(q: float) -> int:
    """Values needed before a percentile above the median is shown: ``ln 0.01 / ln q``, rounded up.

    44 for p90, 90 for p95, 459 for p99. The median is always shown.
    """
    if q <= 0.5:  # noqa: PLR2004  -- the median
        return 1
    return math.ceil(math.log(_ENOUGH) / math.log(q))


def percentile(values: Iterable[float], q: float, confidence: float = 0.95) -> Estimate:
    """The ``q`` quantile (0 to 1) by linear interpolation, as numpy's default.

    The interval's ends are order statistics with binomial ranks (:func:`ranks`): exact for any
    distribution. A rank outside of the sample is no bound.
    """
    known = sorted(values)
    n = len(known)
    if n < smallest_n(q):
        return _nothing(n, "order statistics", _too_few(n, q))
    place = q * (n - 1)
    under = math.floor(place)
    over = min(under + 1, n - 1)
    value = known[under] + (known[over] - known[under]) * (place - under)
    low, high = ranks(n, q, confidence)
    return Estimate(
        value,
        known[low - 1] if low >= 1 else None,
        known[high - 1] if high <= n else None,
        n,
        "order statistics",
    )


def ranks(n: int, q: float, confidence: float = 0.95) -> tuple[int, int]:
    """Ranks, from 1, of the order statistics around the ``q`` quantile.

    With B binomial (n, q): the lower is the (1-confidence)/2 quantile of B, the upper one more
    than the (1+confidence)/2 quantile. 0 and n + 1 lie outside of the sample.
    """
    tail = (1 - confidence) / 2
    centre, spread = n * q, math.sqrt(n * q * (1 - q))
    first = max(0, math.floor(centre - _FAR * spread - _FAR))
    last = min(n, math.ceil(centre + _FAR * spread + _FAR))
    below = 0.0
    low = high = None
    for k in range(first, last + 1):
        below += _binomial(n, k, q)
        if low is None and below >= tail:
            low = k
        if high is None and below >= 1 - tail:
            high = k + 1
    return (0 if low is None else low), (n + 1 if high is None else high)


def ratio(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """``sum(numerators) / sum(denominators)`` of paired values, with Fieller's interval.

    Its ends solve ``(b^2 - t^2 Vbb) r^2 - 2 (ab - t^2 Vab) r + (a^2 - t^2 Vaa) = 0`` with a, b the
    means and V their covariances (Fieller 1954). Where b is not clearly above 0 no finite interval
    has the coverage, and there is none.
    """
    n = len(numerators)
    if n == 0:
        return _nothing(0, "fieller", "no values")
    a, b = math.fsum(numerators) / n, math.fsum(denominators) / n
    if b <= 0:
        return _nothing(n, "fieller", "the denominator is 0")
    if n == 1:
        return Estimate(a / b, None, None, 1, "fieller", "one value has no spread")
    t2 = t_quantile(confidence, n - 1) ** 2
    square = b * b - t2 * _covariance(denominators, denominators) / n
    middle = a * b - t2 * _covariance(numerators, denominators) / n
    constant = a * a - t2 * _covariance(numerators, numerators) / n
    inside = middle * middle - square * constant
    if square <= 0:
        return Estimate(a / b, None, None, n, "fieller", "the denominator is too near to 0")
    root = math.sqrt(max(0.0, inside))
    return Estimate(a / b, (middle - root) / square, (middle + root) / square, n, "fieller")


def _nothing(n: int, method: str, reason: str) -> Estimate:
    return Estimate(None, None, None, n, method, reason)


def _too_few(n: int, q: float) -> str:
    if n == 0:
        return "no values"
    return f"n too small: p{q * 100:g} needs {smallest_n(q)} values, there are {n}"


def _covariance(left: Sequence[float], right: Sequence[float]) -> float:
    n = len(left)
    a, b = math.fsum(left) / n, math.fsum(right) / n
    return math.fsum((x - a) * (y - b) for x, y in zip(left, right, strict=True)) / (n - 1)


def _binomial(n: int, k: int, p: float) -> float:
    log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
