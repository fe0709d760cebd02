"""What requests that were not sent yet will take: from those that were, or by rule of thumb."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from stepeval.stats.student import t_quantile

ENOUGH = 10  # requests of an arm: with fewer, their spread says nothing
_CONFIDENCE = 0.95
_THUMB = 3.0  # a rule of thumb may be so many times too low or too high


@dataclass(frozen=True, slots=True)
class Range:
    """``likely``, and between what it most probably lies."""

    low: float
    likely: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        """Of two arms, which may be off in the same direction: the ends add up."""
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> "Range":
        return Range(factor * self.low, factor * self.likely, factor * self.high)

    def at_most(self, most: float | None) -> "Range":
        if most is None:
            return self
        return Range(min(self.low, most), min(self.likely, most), min(self.high, most))


NOTHING = Range(0.0, 0.0, 0.0)


@dataclass(slots=True)
class Past:
    """What requests of one arm took in stored runs, retries included. Parallel but for ``costs``,
    which holds those that are known. ``seconds`` are of sending, without waits between attempts.
    """

    runs: int = 0
    inputs: list[float] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def is_enough(self) -> bool:
        return len(self.outputs) >= ENOUGH


def predicted(values: Sequence[float], requests: int) -> Range:
    """The sum over ``requests`` more draws: ``N m ± t s N sqrt(1/n + 1/N)``, 95%.

    The interval of a mean still to be drawn (Hahn and Meeker 1991, 4.8), with n - 1 degrees of
    freedom. The same samples asked again vary less: it is rather too wide.
    """
    n, mean = len(values), fmean(values)
    t = t_quantile(_CONFIDENCE, n - 1)
    half = t * stdev(values) * requests * math.sqrt(1 / n + 1 / requests)
    return Range(max(0.0, requests * mean - half), requests * mean, requests * mean + half)


def by_thumb(likely: float) -> Range:
    return Range(likely / _THUMB, likely, likely * _THUMB)
