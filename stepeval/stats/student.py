"""Student's t distribution of whole degrees of freedom.

In plain Python, because importing scipy takes longer than a run of some hundred requests.
"""

import math
from functools import cache
from statistics import NormalDist

_EXACT = 1e-14  # a step of Newton's method that is no longer one


@cache
def t_quantile(confidence: float, degrees: int) -> float:
    """The t with ``P(|T| <= t) = confidence``, 0 < confidence < 1, degrees >= 1.

    By Newton's method. It starts at the normal quantile, below the root, where the distribution
    is concave: every step goes up and none goes too far.
    """
    t = NormalDist().inv_cdf((1 + confidence) / 2)
    while True:
        step = (confidence - _within(t, degrees)) / (2 * _density(t, degrees))
        t += step
        if step <= _EXACT * t:
            return t


def _within(t: float, degrees: int) -> float:
    """``P(|T| <= t)``, a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(2 + odd, degrees + 1, 2):
        total += term
        term *= square * (k - 1) / k
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


def _density(t: float, degrees: int) -> float:
    half = degrees / 2
    scale = math.exp(math.lgamma(half + 0.5) - math.lgamma(half)) / math.sqrt(degrees * math.pi)
    return scale * math.pow(1 + t * t / degrees, -half - 0.5)
