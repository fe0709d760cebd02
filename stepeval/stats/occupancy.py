"""How many of some intervals are open at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_Times = Sequence[int] | Any  # or an array of numbers


@dataclass(frozen=True, slots=True)
class Occupancy:
    """``mean``: the integral of the number open over the window, by the window."""

    mean: float
    peak: int


def occupancy(starts: _Times, ends: _Times, begin: int, end: int) -> Occupancy:
    """Of the half-open intervals ``[start, end)``, within the window ``[begin, end)``.

    One that ends as another begins is not open together with it.
    """
    import numpy as np  # noqa: PLC0415  -- a run without a load needs no numpy

    if end <= begin:
        return Occupancy(0.0, 0)
    opened = np.clip(np.asarray(starts, dtype=np.int64), begin, end)
    closed = np.clip(np.asarray(ends, dtype=np.int64), begin, end)
    real = closed > opened
    opened, closed = opened[real], closed[real]
    moments = np.concatenate([opened, closed])
    steps = np.concatenate([np.ones_like(opened), -np.ones_like(closed)])
    order = np.lexsort((steps, moments))  # at one moment those that end go first
    peak = int(np.cumsum(steps[order]).max(initial=0))
    return Occupancy(float((closed - opened).sum()) / (end - begin), peak)
