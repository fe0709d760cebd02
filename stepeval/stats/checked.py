"""What enters a computation: finite numbers, and which cluster each belongs to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Clusters = Sequence[Any] | NDArray[Any]  # a name for each value: equal names, one cluster


def finite(values: ArrayLike) -> Floats:
    """One dimension of float64. Raises ValueError: a value is infinite or not a number."""
    known = np.asarray(values, dtype=np.float64)
    if known.ndim != 1:
        raise ValueError(f"values must stand in one dimension, not {known.ndim}")
    if not np.isfinite(known).all():
        raise ValueError("a value is infinite or not a number")
    return known


def paired(left: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    """Raises ValueError: there are not as many of both, or one is not finite."""
    a, b = finite(left), finite(right)
    if len(a) != len(b):
        raise ValueError(f"pairs need as many values on both sides, not {len(a)} and {len(b)}")
    return a, b


def cluster_places(clusters: Clusters | None, n: int) -> tuple[Places, int]:
    """For each of ``n`` values the place of its cluster, from 0, and how many clusters there are.

    Without clusters each value is its own. Raises ValueError: there are not ``n`` names.
    """
    if clusters is None:
        return np.arange(n), n
    if len(clusters) != n:
        raise ValueError(f"{n} values need as many clusters, not {len(clusters)}")
    known: dict[Any, int] = {}
    places = np.fromiter((known.setdefault(c, len(known)) for c in clusters), np.intp, n)
    return places, len(known)


def level(confidence: float) -> float:
    """Raises ValueError: it is not strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return confidence
