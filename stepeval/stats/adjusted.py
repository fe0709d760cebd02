"""How far new scores lie from a baseline's, with what the baseline says of each item used up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import Floats, cluster_places, finite, paired

_UNSEEN = 0.5  # of a flip that did not happen is added to the squares
ENOUGH = 5  # flips, from which on an error from squares is right about those to come


def unseen(tail: float, n: int, span: float = 1.0) -> float:
    """How much worse scores may have got without a trace among ``n`` of them, but for a chance of
    ``tail``: the rule of three (Hanley and Lippman-Hand 1983), ``3 span / n`` for a tail of 5%.

    An error from squares knows nothing of flips that are still to come.
    """
    return -math.log(tail) * span / n


@dataclass(frozen=True, slots=True)
class Adjusted:
    """``value`` +- ``error``; ``skewness`` is that of the ``n`` independent parts, items or
    clusters. ``degrees`` are those of Student's t. ``span`` is that of :func:`adjusted_difference`
    where so few of the parts moved that those to come decide; else 0.
    """

    value: float
    error: float
    degrees: int
    skewness: float
    n: int
    span: float = 0.0

    def above(self, point: float) -> float:
        """How far the value lies above ``point``, as a standard normal z.

        t by Hall's cubic (1992), which takes out the skewness to the first order: answers that
        seldom flip make the mean and its error move together, and a plain t calls a drop of
        exactly the margin harmless too often. Never further than :func:`unseen` allows.
        """
        t = (self.value - point) / self.error
        a = self._bend
        z = _z_of_t(t + a * t * t + a * a * t**3 / 3 + a / 2, self.degrees)
        if self.span <= 0 or t <= 0:
            return z
        return min(z, _z_of_tail(math.exp(-self.n * (self.value - point) / self.span)))

    def below(self, point: float) -> float:
        """How far it lies below, as a z of plain t: on this side the skewness is in favour."""
        return _z_of_t((point - self.value) / self.error, self.degrees)

    def low(self, z: float) -> float:
        """The point that the value lies above by ``z``."""
        wanted, a = _t_of_z(z, self.degrees), self._bend
        if abs(a) > 1e-9:  # noqa: PLR2004  -- below it the cubic is a line
            wanted = (math.copysign(abs(x := 1 + 3 * a * (wanted - a / 2)) ** (1 / 3), x) - 1) / a
        away = wanted * self.error
        return self.value - (max(away, self._unseen(z)) if self.span > 0 else away)

    def _unseen(self, z: float) -> float:
        from scipy.special import ndtr  # noqa: PLC0415  -- takes longer than most reports

        return unseen(max(float(ndtr(-z)), 1e-300), self.n, self.span)

    def high(self, z: float) -> float:
        return self.value + _t_of_z(z, self.degrees) * self.error

    @property
    def _bend(self) -> float:
        return self.skewness / (3 * math.sqrt(self.n))


def adjusted_difference(
    scores: ArrayLike,
    past: ArrayLike,
    everyone: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    clusters: Sequence[Any] | None = None,
    all_clusters: Sequence[Any] | None = None,
    span: float = 0.0,
) -> Adjusted | None:
    """Mean of new scores less the baseline's, from the items scored so far.

    ``scores`` (n,): an item's mean over its epochs. ``past`` (n,): the baseline's mean on the same
    items, ``everyone`` (N,) on all. ``weights`` (n,): in inverse ratio to an item's chance to stand
    among the first n. ``clusters`` (n,), ``all_clusters`` (N,): names of what is not independent.
    ``span``: greatest less smallest possible score; 0: there is no bound.

    With ``theta = cov(y, b) / var(b)`` it is ``(mean y - mean b_N) - theta (mean b - mean b_N)``,
    the regression estimator of survey sampling (Cochran 1977, 7.2); the variance is that of the
    residuals by ``n - 3``, CR1 with clusters, plus ``(1 - theta)^2 var(b_N) / N``, for the N items
    are a sample themselves. Half a flip of the whole span is added to the squares, as Bonett and
    Price (2012) add whole ones: no flip among few items does not prove that there is none.
    None below 4 independent items, or where nothing varies and there is no span.
    """
    y, b = paired(scores, past)
    population = finite(everyone)
    places, groups = cluster_places(clusters, len(y))
    if groups < 4:  # noqa: PLR2004  -- the mean, the slope and its own noise
        return None
    w = np.ones(len(y)) if weights is None else finite(weights)
    w = w / w.mean()
    mean_y, mean_b, mean_all = (w * y).mean(), (w * b).mean(), population.mean()
    off_y, off_b = y - mean_y, b - mean_b
    spread = float((w * off_b) @ off_b)
    theta = float((w * off_y) @ off_b) / spread if spread > 0 else 0.0
    parts = np.bincount(places, w * (off_y - theta * off_b), groups)
    squares = float(parts @ parts)
    variance = (squares + _UNSEEN * span * span) * groups / (groups - 3) / len(y) ** 2
    variance += (1 - theta) ** 2 * _mean_variance(population, all_clusters)
    if variance <= 0:
        return None
    value = float(mean_y - mean_all - theta * (mean_b - mean_all))
    skewness = float((parts**3).mean()) / (squares / groups) ** 1.5 if squares > 0 else 0.0
    rare = span if _moved(parts.astype(np.float64)) < ENOUGH else 0.0
    return Adjusted(value, math.sqrt(variance), groups - 3, skewness, groups, rare)


def _moved(parts: Floats) -> float:
    """How many of the parts make up the squares: k where k are alike and the rest are 0."""
    fourth = float((parts**4).sum())
    return float(parts @ parts) ** 2 / fourth if fourth > 0 else 0.0


def _mean_variance(values: Floats, clusters: Sequence[Any] | None) -> float:
    places, groups = cluster_places(clusters, len(values))
    if groups < 2:  # noqa: PLR2004  -- one has no spread
        return 0.0
    parts = np.bincount(places, values - values.mean(), groups)
    return float(parts @ parts) * groups / (groups - 1) / len(values) ** 2


def _z_of_t(t: float, degrees: int) -> float:
    from scipy.special import ndtri, stdtr  # noqa: PLC0415  -- takes longer than most reports

    tail = max(float(stdtr(degrees, -abs(t))), 1e-300)
    return math.copysign(-float(ndtri(tail)), t)


def _z_of_tail(tail: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415  -- takes longer than most reports

    return -float(ndtri(max(tail, 1e-300)))


def _t_of_z(z: float, degrees: int) -> float:
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415  -- takes longer than most reports

    return math.copysign(-float(stdtrit(degrees, float(ndtr(-abs(z))))), z)
