"""How many items a question needs, and what so many items can answer."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from stepeval.stats.checked import Clusters, cluster_places, finite

_MOST = 10**9


def items_for_margin(
    discordance: float,
    margin: float,
    alpha: float = 0.05,
    power: float = 0.8,
    difference: float = 0.0,
) -> int:
    """To show "not worse by more than ``margin``", one-sided, where B is better by ``difference``.

    ``(z(1 - alpha) + z(power))^2 discordance / (margin + difference)^2``: ``discordance`` is the
    share of items that flip, or else the variance of paired differences (Lachin 1981).
    """
    _positive(discordance=discordance, margin=margin + difference)
    z = _z(1 - alpha) + _z(power)
    return _whole(z * z * discordance / (margin + difference) ** 2)


def items_for_discordance(
    discordance: float, difference: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """To show a difference of proportions two-sided by McNemar's test (Connor 1987).

    ``(z(1 - alpha / 2) sqrt(p) + z(power) sqrt(p - d^2))^2 / d^2``, p the share of items that
    flip. Raises ValueError: they are too few for the difference.
    """
    size = abs(difference)
    _positive(discordance=discordance, difference=size)
    if size > discordance:
        raise ValueError(f"{discordance:g} flips cannot make a difference of {size:g}")
    null, real = math.sqrt(discordance), math.sqrt(discordance - size * size)
    return _whole((_z(1 - alpha / 2) * null + _z(power) * real) ** 2 / size**2)


def items_for_difference(
    sd: float, difference: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """To show a mean paired difference two-sided by t, ``sd`` that of the differences.

    The smallest n whose noncentral t has the power; at least 2.
    """
    size = abs(difference)
    _positive(sd=sd, difference=size)
    too_few, enough = 1, 2
    while enough < _MOST and _t_power(size / sd, enough, alpha) < power:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if _t_power(size / sd, middle, alpha) < power:
            too_few = middle
        else:
            enough = middle
    return enough


def detectable_difference(
    n: int, sd: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest difference that ``n`` items show two-sided by t. None below 2 items."""
    if n < 2:  # noqa: PLR2004  -- one item has no spread
        return None
    if sd == 0:
        return 0.0
    _positive(sd=sd)
    low, high = 0.0, 1.0
    while _t_power(high, n, alpha) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_power(middle, n, alpha) < power else (low, middle)
    return high * sd


def detectable_margin(
    n: int, discordance: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest margin within which ``n`` items show an equal arm safe. None without items."""
    if n < 1:
        return None
    return (_z(1 - alpha) + _z(power)) * math.sqrt(discordance / n)


def paired_sd(differences: ArrayLike, clusters: Clusters | None = None) -> float | None:
    """Standard deviation of paired differences as the formulas above need it.

    With clusters it is the CR1 error times ``sqrt(n)``: what independent items with the same
    error would have. None below 2 items or clusters.
    """
    known = finite(differences)
    n = len(known)
    places, groups = cluster_places(clusters, n)
    if groups < 2:  # noqa: PLR2004  -- one has no spread
        return None
    off = np.bincount(places, known - known.mean(), groups)
    return math.sqrt(groups / (groups - 1) * float(off @ off) / n)


def _t_power(effect: float, n: int, alpha: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415  -- takes longer than most reports

    _z(alpha)
    critical = float(stdtrit(n - 1, 1 - alpha / 2))
    shift = effect * math.sqrt(n)
    return 1 - _below(critical, n - 1, shift) + _below(-critical, n - 1, shift)


def _below(t: float, degrees: int, shift: float) -> float:
    """``P(T < t)`` of noncentral t."""
    from scipy.special import nctdtr  # noqa: PLC0415  -- takes longer than most reports

    found = float(nctdtr(degrees, shift, t))
    return 0.0 if math.isnan(found) else found  # what it has too few digits for is next to nothing


def _z(chance: float) -> float:
    if not 0 < chance < 1:
        raise ValueError(f"alpha and power lie between 0 and 1, not at {chance:g}")
    return NormalDist().inv_cdf(chance)


def _whole(items: float) -> int:
    return max(1, math.ceil(min(items - 1e-9, _MOST)))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0, not {value:g}")
