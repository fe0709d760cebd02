"""Which arms no other arm beats in both cost and quality."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepeval.stats.bootstrap import DRAWS, resamples
from stepeval.stats.checked import Clusters, Floats, cluster_places


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Places of the points (cost, gain) that none other equals or beats in both and beats in one.

    In ascending order of cost. Equal points stand or fall together.
    """
    if not points:
        return ()
    known = np.asarray(points, dtype=np.float64)
    if not np.isfinite(known).all():
        raise ValueError("a value is infinite or not a number")
    on_it = np.flatnonzero(_on_front(known[None, :, 0], known[None, :, 1])[0])
    return tuple(sorted(on_it.tolist(), key=lambda place: (*points[place], place)))


def front_shares(
    costs: ArrayLike,
    gains: ArrayLike,
    clusters: Clusters | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, ...]:
    """For each arm the share of resamples of the items in which it is on the front.

    ``costs`` and ``gains`` have the shape (items, arms); their means are compared. Raises
    ValueError: the shapes differ, there are no items, or a value is not finite.
    """
    a, b = np.asarray(costs, dtype=np.float64), np.asarray(gains, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape or not len(a):  # noqa: PLR2004  -- items and arms
        raise ValueError(f"costs and gains need one shape (items, arms), not {a.shape}, {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is infinite or not a number")
    places, groups = cluster_places(clusters, len(a))
    on_it = np.zeros(a.shape[1])
    for weights in resamples(places, groups, draws, seed):
        total = weights.sum(axis=1, keepdims=True)
        on_it += _on_front(weights @ a / total, weights @ b / total).sum(axis=0)
    return tuple((on_it / draws).tolist())


def _on_front(costs: Floats, gains: Floats) -> NDArray[np.bool_]:
    """Of shape (draws, arms), as ``costs`` and ``gains``; one arm against all others at a time."""
    beaten = np.zeros(costs.shape, dtype=np.bool_)
    for rival in range(costs.shape[1]):
        cost, gain = costs[:, [rival]], gains[:, [rival]]
        no_worse = (cost <= costs) & (gain >= gains)
        beaten |= no_worse & ((cost < costs) | (gain > gains))
    return ~beaten
