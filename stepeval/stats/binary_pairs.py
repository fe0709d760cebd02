"""Two arms that were right or wrong on the same items, once each.

``b`` counts the items only A had right, ``c`` those only B had right, ``n`` all items.
"""

import math
from statistics import NormalDist

from stepeval.stats.checked import level
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided p: of b + c flips each side had the same chance (McNemar 1947, binomial form)."""
    _check(b, c, b + c)
    lower, here = _lower_tail(min(b, c), b + c)
    return min(1.0, 2 * (lower + here))


def mcnemar_mid_p(b: int, c: int) -> float:
    """The exact p less half of twice the observed count's own chance (Lancaster 1961).

    Unlike the exact test it does not waste its level on few flips (Fagerland, Lydersen and Laake
    2013). 1 where nothing flipped.
    """
    _check(b, c, b + c)
    lower, here = _lower_tail(min(b, c), b + c)
    return min(1.0, 2 * lower + here)


def bonett_price(b: int, c: int, n: int, confidence: float = 0.95) -> Estimate:
    """Interval of the share of B less that of A (Bonett and Price 2012).

    Wald's with one item added to each kind of flip: ``p = (b + 1) / (n + 2)``,
    ``q = (c + 1) / (n + 2)``, ``q - p +- z sqrt((p + q - (q - p)^2) / (n + 2))``. Its centre is the
    ``value``, drawn towards 0. It has a width where nothing flipped.
    """
    _check(b, c, n)
    z = NormalDist().inv_cdf((1 + level(confidence)) / 2)
    if n == 0:
        return Estimate(None, None, None, 0, "bonett-price", "no values")
    more = n + 2
    centre = (c - b) / more
    half = z * math.sqrt(((b + c + 2) / more - centre * centre) / more)
    return Estimate(centre, max(-1.0, centre - half), min(1.0, centre + half), n, "bonett-price")


def binary_difference(b: int, c: int, n: int, confidence: float = 0.95) -> Difference:
    """``(c - b) / n``, so that it is what the two accuracies differ by, in Bonett-Price bounds."""
    found = bonett_price(b, c, n, confidence)
    if found.low is None or found.high is None:
        return Difference(found, None, "mid-p McNemar")
    value = (c - b) / n
    low, high = min(found.low, value), max(found.high, value)
    estimate = Estimate(value, low, high, n, found.method)
    return Difference(estimate, mcnemar_mid_p(b, c), "mid-p McNemar")


def _check(b: int, c: int, n: int) -> None:
    if min(b, c) < 0 or b + c > n:
        raise ValueError(f"of {n} items {b} and {c} cannot have flipped")


def _lower_tail(k: int, flips: int) -> tuple[float, float]:
    """``P(K < k)`` and ``P(K = k)`` of K binomial (flips, 1/2)."""
    from scipy.special import bdtr, gammaln  # noqa: PLC0415  -- takes longer than most reports

    log_choose = gammaln(flips + 1) - gammaln(k + 1) - gammaln(flips - k + 1)
    here = math.exp(log_choose - flips * math.log(2))
    return (float(bdtr(k - 1, flips, 0.5)) if k else 0.0), here
