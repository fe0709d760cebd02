"""Suites, prompts and runs made up by chance, whose truth is known."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GRID = 4_001


@dataclass(frozen=True, slots=True)
class World:
    """``items`` of which a run gets ``accuracy`` right, and two runs correlate by ``correlation``.

    An item's chance is beta distributed. ``clusters``: groups of five whose chances share half of
    their variance (before the curve that makes them beta); each is a cluster of its own, else.
    """

    items: int = 500
    accuracy: float = 0.8
    correlation: float = 0.67
    has_clusters: bool = False

    @property
    def clusters(self) -> tuple[int, ...] | None:
        return tuple(place // 5 for place in range(self.items)) if self.has_clusters else None

    def chances(self, chance: np.random.Generator) -> Floats:
        """(items,): that an answer to the item is right."""
        heights = chance.standard_normal(self.items)
        if self.has_clusters:
            shared = chance.standard_normal(-(-self.items // 5)).repeat(5)[: self.items]
            heights = (heights + shared) / np.sqrt(2)
        grid, values = _quantiles(self.accuracy, self.correlation)
        found: Floats = np.interp(heights, grid, values)
        return found

    def worse(self, chances: Floats, drop: float) -> Floats:
        """Every item by the same share, so that the accuracy expected falls by ``drop``."""
        return chances * (1 - drop / self.accuracy)


def runs(chances: Floats, times: int, chance: np.random.Generator) -> Floats:
    """(n, times) of 0 and 1."""
    return (chance.random((len(chances), times)) < chances[:, None]).astype(np.float64)


@cache
def _quantiles(accuracy: float, correlation: float) -> tuple[Floats, Floats]:
    """A beta's quantiles over a standard normal's: with ``a + b = 1 / correlation - 1``."""
    from scipy.special import betaincinv, ndtr  # noqa: PLC0415

    size = 1 / correlation - 1
    grid = np.linspace(-6, 6, _GRID)
    return grid, betaincinv(accuracy * size, (1 - accuracy) * size, ndtr(grid))
