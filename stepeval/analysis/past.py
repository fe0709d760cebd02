"""What a baseline knows of each item before anything new is asked."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ALIKE = 0.5  # of the variance of one run's scores, where no second run tells, is the items'


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """``means`` (N,): an item's mean score over the baseline's runs of it, of which there are
    ``repeats`` (a harmonic mean). ``within`` is the variance of one run of an item around its
    mean, over all items; None: each was run once. ``clusters`` (N,): names, None: independent.
    ``span``: greatest less smallest possible score; 0: there is no bound.
    """

    means: Floats
    repeats: float
    within: float | None
    is_binary: bool
    clusters: tuple[Hashable, ...] | None
    span: float

    @property
    def items(self) -> int:
        return len(self.means)

    @property
    def reliability(self) -> float:
        """Share of the variance of ``means`` that is the items' own, and not that of few runs."""
        variance = float(self.means.var())
        if variance == 0:
            return 0.0
        if self.within is None:
            return _ALIKE
        return max(0.0, 1 - self.within / self.repeats / variance)

    @property
    def expected(self) -> Floats:
        """(N,): what one more run of the same prompt gives on average, drawn to the mean of all.

        The best linear guess (Kelley 1927); exact where an item's chance is beta distributed.
        """
        centre = self.means.mean()
        guess: Floats = centre + self.reliability * (self.means - centre)
        return guess

    @property
    def noise(self) -> float:
        """Variance of one run around its item's own mean."""
        if self.within is not None:
            return self.within
        return (1 - _ALIKE) * float(self.means.var())

    def left_over(self, epochs: int) -> float:
        """Variance of an item's mean over ``epochs`` new runs around :attr:`expected`."""
        own = self.reliability * float(self.means.var())
        return self.noise / epochs + own * (1 - self.reliability)


def past_of(
    scores: ArrayLike, clusters: Sequence[Hashable] | None = None, span: float = 1.0
) -> Past:
    """``scores`` (N, K): NaN where a run of an item has no score.

    Raises ValueError: an item has no score at all, or there are fewer than 2 items.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or len(table) < 2:  # noqa: PLR2004  -- items by runs; one has no spread
        raise ValueError("a baseline needs the scores of at least 2 items, one row each")
    known = np.isfinite(table)
    counts = known.sum(axis=1)
    if not counts.all():
        raise ValueError("an item of the baseline has no score at all")
    filled = np.where(known, table, 0.0)
    means = filled.sum(axis=1) / counts
    squares = (np.where(known, table - means[:, None], 0.0) ** 2).sum(axis=1)
    more = counts > 1
    within = float((squares[more] / (counts[more] - 1)).mean()) if more.any() else None
    return Past(
        means=means,
        repeats=float(len(counts) / (1 / counts).sum()),
        within=within,
        is_binary=bool(np.isin(filled, (0.0, 1.0)).all()),
        clusters=None if clusters is None else tuple(clusters),
        span=span,
    )
