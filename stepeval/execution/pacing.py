"""When the next request may leave: so many in flight, or a schedule that waits for nobody.

Schedules are iterators of offsets from their start, in nanoseconds and rising; they never end
but for a replay. Pure: the same arguments and seed give the same schedule, on every machine.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from math import sqrt
from typing import TypeAlias

Offsets: TypeAlias = Iterator[int]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """The next request leaves when one of the ``concurrency`` in flight has ended."""

    concurrency: int


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests leave when they are due, however many are in flight. ``offsets`` starts anew."""

    offsets: Callable[[], Offsets]


def constant(rate: float) -> Offsets:
    """``rate`` requests a second, evenly; the n-th is at ``n / rate``, so nothing adds up."""
    return (round(number * _NS / rate) for number in count())


def poisson(rate: float, rng: random.Random) -> Offsets:
    """Independent arrivals, ``rate`` a second on average: gaps are exponential."""
    return _gaps(lambda: rng.expovariate(rate))


def gamma(rate: float, burstiness: float, rng: random.Random) -> Offsets:
    """Gaps of mean ``1 / rate`` and coefficient of variation ``1 / sqrt(burstiness)``.

    1 is Poisson; below it arrivals come in bursts, above it ever more evenly.
    """
    return _gaps(lambda: rng.gammavariate(burstiness, 1 / (rate * burstiness)))


def ramp(start: float, stop: float, duration_s: float) -> Offsets:
    """From ``start`` requests a second to ``stop``, evenly over ``duration_s``; then constant.

    By time t, ``start * t + (stop - start) * t**2 / (2 * duration)`` have left: the n-th leaves
    where that reaches n.
    """
    slope = (stop - start) / duration_s
    before_end = (start + stop) / 2 * duration_s
    for number in count():
        if number < before_end:
            seconds = 2 * number / (start + sqrt(start**2 + 2 * slope * number)) if number else 0.0
        else:
            seconds = duration_s + (number - before_end) / stop
        yield round(seconds * _NS)


def replay(offsets: Iterable[int], speed: float) -> Offsets:
    """Recorded arrivals, ``speed`` times faster; ends with them."""
    return (round(offset / speed) for offset in offsets)


def _gaps(draw: Callable[[], float]) -> Offsets:
    seconds = 0.0
    while True:
        seconds += draw()
        yield round(seconds * _NS)
