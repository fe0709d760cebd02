"""What one more correct answer costs when B is taken instead of A."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import cluster_places, level, paired
from stepeval.stats.estimate import Estimate
from stepeval.stats.student import t_quantile

_METHOD = "fieller"


def cost_per_extra_correct(
    cost_differences: ArrayLike,
    correct_differences: ArrayLike,
    clusters: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """``sum(cost B - cost A) / sum(correct B - correct A)``, one pair of differences an item.

    Fieller's set (1954), with cluster sums and t(G - 1). It has two ends only where B is shown to
    gain answers. Else, where B is shown to cost more, it is "at least ``low`` each, or none
    gained": no upper bound. Else it is everything. ``reason`` says so. Without answers gained
    there is no value; below 0, B gains and costs less. Raises ValueError: there are not as many
    of both, or one is not finite.
    """
    costs, gains = paired(cost_differences, correct_differences)
    places, groups = cluster_places(clusters, len(costs))
    level(confidence)
    if groups == 0:
        return _none("no values", 0)
    a, b = np.bincount(places, costs, groups), np.bincount(places, gains, groups)
    cost, gain = float(a.sum()), float(b.sum())
    value = cost / gain if gain > 0 else None
    if groups == 1:
        return Estimate(value, None, None, 1, _METHOD, "one value has no spread")
    counts = np.bincount(places, minlength=groups) / len(costs)
    off_a, off_b = a - cost * counts, b - gain * counts
    scale = t_quantile(confidence, groups - 1) ** 2 * groups / (groups - 1)
    square = gain * gain - scale * float(off_b @ off_b)
    middle = cost * gain - scale * float(off_a @ off_b)
    constant = cost * cost - scale * float(off_a @ off_a)
    if square > 0:
        if value is None:
            return _none("it gives fewer correct answers", groups)
        root = math.sqrt(max(0.0, middle * middle - square * constant))
        low, high = (middle - root) / square, (middle + root) / square
        return Estimate(value, min(low, value), max(high, value), groups, _METHOD)
    if value is None:
        return _none("no correct answer is gained", groups)
    inside = middle * middle - square * constant
    if cost > 0 and constant > 0 and square < 0:
        # Costs are shown to rise: the set leaves out 0 and is two rays, one above it.
        low = (middle - math.sqrt(inside)) / square
        reason = "it may gain no correct answer: no upper bound"
        return Estimate(value, min(low, value), None, groups, _METHOD, reason)
    reason = "neither more correct answers nor a higher cost are shown: no bound"
    return Estimate(value, None, None, groups, _METHOD, reason)


def _none(reason: str, n: int) -> Estimate:
    return Estimate(None, None, None, n, _METHOD, reason)
