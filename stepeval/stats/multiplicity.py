"""p values adjusted for how many were looked at."""

from collections.abc import Sequence

import numpy as np

from stepeval.stats.checked import Floats, finite


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Controls the chance of any false alarm (Holm 1979): the i-th smallest times m - i + 1."""
    known = _chances(p_values)
    order = np.argsort(known, kind="stable")
    scaled = known[order] * np.arange(len(known), 0, -1)
    return _in_place(np.maximum.accumulate(scaled), order)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Controls the share of false ones among those found (Benjamini and Hochberg 1995)."""
    known = _chances(p_values)
    order = np.argsort(known, kind="stable")
    m = len(known)
    scaled = known[order] * m / np.arange(1, m + 1)
    return _in_place(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _chances(p_values: Sequence[float]) -> Floats:
    known = finite(p_values)
    if ((known < 0) | (known > 1)).any():
        raise ValueError("a p value lies outside of 0 to 1")
    return known


def _in_place(adjusted: Floats, order: np.ndarray) -> tuple[float, ...]:
    found = np.empty_like(adjusted)
    found[order] = np.minimum(adjusted, 1.0)
    return tuple(found.tolist())
