"""Bounds for looking at the data more than once: what a one-sided level may spend at each look.

A look's statistic is standard normal where nothing is there, and two looks correlate by the root
of the ratio of their information, so that ``z_k sqrt(t_k)`` is a Brownian motion (Jennison and
Turnbull 2000). Each bound uses up exactly what its look may spend beyond the looks before it.
"""

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from stepeval.stats.checked import Floats

_NODES = 200  # of Gauss and Legendre; twice as many change no bound by 1e-6
_FAR = 8.0  # standard deviations beyond which the motion's density is nothing
_EVEN = 1e-9  # of gamma: nearer to 0 it spends in proportion, as rounding could not tell
_NORMAL = NormalDist()


def hwang_shih_decani(
    alpha: float, fractions: Sequence[float], gamma: float = -2.0
) -> tuple[float, ...]:
    """Upper bounds z_k at the shares ``fractions`` of the information, rising to 1 at most.

    Spends ``alpha (1 - exp(-gamma t)) / (1 - exp(-gamma))`` (Hwang, Shih and De Cani 1990): late
    with a negative ``gamma``, early with a positive one. Raises ValueError: they do not rise.
    """
    if abs(gamma) < _EVEN:
        spent = [alpha * t for t in fractions]
    else:
        spent = [alpha * math.expm1(-gamma * t) / math.expm1(-gamma) for t in fractions]
    return _bounds(tuple(spent), tuple(fractions))


def lan_demets_obrien_fleming(alpha: float, fractions: Sequence[float]) -> tuple[float, ...]:
    """Spends ``2 (1 - Phi(z(1 - alpha / 2) / sqrt(t)))`` (Lan and DeMets 1983): hardly anything
    early. Raises ValueError: the fractions do not rise to 1 at most.
    """
    z = _NORMAL.inv_cdf(1 - alpha / 2)
    spent = [2 * _NORMAL.cdf(-z / math.sqrt(t)) for t in fractions]
    return _bounds(tuple(spent), tuple(fractions))


@cache
def _bounds(spent: tuple[float, ...], fractions: tuple[float, ...]) -> tuple[float, ...]:
    """By recursive integration of the density of what has crossed no bound yet (Armitage,
    McPherson and Rowe 1969).
    """
    _check(fractions)
    found: list[float] = []
    points, mass = np.zeros(1), np.ones(1)
    before = used = 0.0
    for t, total in zip(fractions, spent, strict=True):
        step = math.sqrt(t - before)
        height = _height(points, mass, step, total - used)
        found.append(height / math.sqrt(t))
        points, mass = _survivors(points, mass, step, (-_FAR * math.sqrt(t), height))
        before, used = t, total
    return tuple(found)


def _check(fractions: tuple[float, ...]) -> None:
    steps = [b - a for a, b in zip((0.0, *fractions), fractions, strict=False)]
    if not fractions or min(steps) <= 0 or fractions[-1] > 1 + 1e-12:
        raise ValueError("looks must stand at rising shares of the information, above 0 up to 1")


def _height(points: Floats, mass: Floats, step: float, spend: float) -> float:
    """Where the motion stands above with the chance ``spend`` after one more step."""
    from scipy.optimize import brentq  # noqa: PLC0415  -- takes longer than most reports
    from scipy.special import ndtr  # noqa: PLC0415

    def excess(height: float) -> float:
        return float(mass @ ndtr((points - height) / step)) - spend

    return float(brentq(excess, -_FAR, 2 * _FAR, xtol=1e-12))


def _survivors(
    points: Floats, mass: Floats, step: float, room: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Nodes between the room's two ends, and the mass that stands at each of them."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = (room[1] - room[0]) / 2
    there = room[0] + (nodes + 1) * half
    shape = np.exp(-(((there[:, None] - points) / step) ** 2) / 2) / (math.sqrt(2 * math.pi) * step)
    return there, weights * half * (shape @ mass)
