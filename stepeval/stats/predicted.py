"""A mean of what people would say, from few of their labels and many of a judge's."""

import math

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import finite, paired
from stepeval.stats.estimate import Estimate, mean_t
from stepeval.stats.student import t_quantile

_METHOD = "ppi++"


def predicted_mean(
    labels: ArrayLike, judged: ArrayLike, unlabelled: ArrayLike, confidence: float = 0.95
) -> Estimate:
    """Prediction-powered mean, tuned (PPI++: Angelopoulos, Duchi and Zrnic 2023, example 6.1).

    ``labels`` and ``judged`` are the people's and the judge's scores of the same n items,
    ``unlabelled`` the judge's of N others. ``w = cov(labels, judged) / ((1 + n / N) var(judged))``
    within 0 to 1, the variance over all n + N; ``mean(labels - w judged) + w mean(unlabelled)``
    with the error of both parts. A judge that tells nothing gets w = 0: the labels' own interval.
    t(n - 1) in place of the normal quantile, for few labels. ``n`` counts labels.
    Raises ValueError: there are not as many of both, or one is not finite.
    """
    y, f = paired(labels, judged)
    rest = finite(unlabelled)
    n, more = len(y), len(rest)
    if n < 2 or more == 0:  # noqa: PLR2004  -- one label has no spread
        own = mean_t(y.tolist(), confidence)
        return Estimate(own.value, own.low, own.high, n, _METHOD, own.reason)
    spread = float(np.var(np.concatenate([f, rest]), ddof=1))
    together = float(np.cov(y, f, ddof=1)[0, 1])
    weight = min(1.0, max(0.0, together / ((1 + n / more) * spread))) if spread > 0 else 0.0
    left = y - weight * f
    value = float(left.mean()) + weight * float(rest.mean())
    other = float(np.var(rest, ddof=1)) / more if more > 1 else spread
    error = math.sqrt(float(np.var(left, ddof=1)) / n + weight * weight * other)
    if error == 0:
        return Estimate(value, None, None, n, _METHOD, "the labels do not differ")
    half = t_quantile(confidence, n - 1) * error
    return Estimate(value, value - half, value + half, n, _METHOD)
