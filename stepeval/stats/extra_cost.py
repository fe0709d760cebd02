"""What one more correct answer costs when B is taken instead of A."""

import math

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import Clusters, cluster_places, level, paired
from stepeval.stats.estimate import Estimate
from stepeval.stats.student import t_quantile

_METHOD = "fieller"
_ROUNDING = 1e-12


def cost_per_extra_correct(
    cost_differences: ArrayLike,
    correct_differences: ArrayLike,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """``sum(cost B - cost A) / sum(correct B - correct A)``, one pair of differences an item.

    Fieller's set (1954) of the r with ``(C - r D)^2 <= t^2 V(C - r D)``, C and D the sums, V from
    sums of clusters and t with G - 1. It has two ends only where D is shown to be above 0. Else,
    where B is shown to cost more, an extra answer costs at least ``low``, if one is gained at all:
    no upper bound. Else no r can be excluded. ``reason`` says which. There is no value where no
    answer is gained; one below 0 means that B gains answers and costs less.
    Raises ValueError: there are not as many of both, or one is not finite.
    """
    costs, gains = paired(cost_differences, correct_differences)
    places, groups = cluster_places(clusters, len(costs))
    level(confidence)
    if groups == 0:
        return Estimate(None, None, None, 0, _METHOD, "no values")
    a, b = np.bincount(places, costs, groups), np.bincount(places, gains, groups)
    cost, gain = float(costs.sum()), float(gains.sum())
    value = cost / gain if gain > 0 else None
    if groups == 1:
        return Estimate(value, None, None, 1, _METHOD, "one item or cluster has no spread")
    share = np.bincount(places, minlength=groups) / len(costs)
    off_a, off_b = a - cost * share, b - gain * share
    if float(off_a @ off_a) <= _ROUNDING * cost * cost and not off_b.any():
        return Estimate(value, None, None, groups, _METHOD, "the differences are all the same")
    scale = t_quantile(confidence, groups - 1) ** 2 * groups / (groups - 1)
    low, high, reason = _ends(
        gain * gain - scale * float(off_b @ off_b),
        cost * gain - scale * float(off_a @ off_b),
        cost * cost - scale * float(off_a @ off_a),
        costs_more=cost > 0,
    )
    if value is None:
        fewer = gain < 0 and high is not None
        reason = "it gives fewer correct answers" if fewer else "no correct answer is gained"
        return Estimate(None, None, None, groups, _METHOD, reason)
    # The value is within the set; rounding may miss it.
    low = None if low is None else min(low, value)
    high = None if high is None else max(high, value)
    return Estimate(value, low, high, groups, _METHOD, reason)


def _ends(
    square: float, middle: float, constant: float, *, costs_more: bool
) -> tuple[float | None, float | None, str | None]:
    """Of the set ``square r^2 - 2 middle r + constant <= 0``: low, high, why one is missing."""
    root = math.sqrt(max(0.0, middle * middle - square * constant))
    if square > 0:
        return (middle - root) / square, (middle + root) / square, None
    if square < 0 < constant and costs_more:
        # It leaves out 0 and the numbers about it; the ray above is what a gain may cost.
        return (middle - root) / square, None, "it may gain no correct answer: no upper bound"
    return None, None, "it may gain no correct answer: no bound"
