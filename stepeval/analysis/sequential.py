"""One look at the scores so far: go on, or stop and why. No request is made here."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepeval.analysis.design import Design
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.past import Floats, Past
from stepeval.stats.adjusted import ENOUGH, Adjusted, adjusted_difference
from stepeval.stats.betting import betting_bounds, winnings
from stepeval.stats.binary_pairs import bonett_price

_Z = 1.0  # at which Bonett and Price's interval gives its error


@dataclass(frozen=True, slots=True)
class _Found:
    """The fields of a look that come from scores."""

    n: int
    change: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    safe: float | None = None
    drop: float | None = None


def look(past: Past, design: Design, number: int, new: ArrayLike, old: ArrayLike = ()) -> Look:
    """``number`` counts the design's looks from 0.

    ``new`` (n,): the mean score over the epochs of each of the first ``design.looks[number]`` items
    of its order; NaN: it has none. ``old`` (n,), in the fresh stage: the same of the baseline's
    prompt. The same arguments give the same look.
    """
    items = design.looks[number]
    places = np.array(design.order.places[:items])
    scores = np.asarray(new, dtype=np.float64)
    if design.stage is Stage.FRESH:
        # What is adjusted is then the difference itself: see `adjusted_difference`.
        scores = past.means[places] + scores - np.asarray(old, dtype=np.float64)
    if scores.shape != (items,):
        raise ValueError(f"look {number + 1} needs {items} scores, not {scores.shape}")
    known = np.isfinite(scores)
    if design.rules.anytime:
        found = _bet(past, design, number, places[known], scores[known])
    else:
        found = _bounded(past, design, number, places[known], scores[known])
    return found


def _bounded(past: Past, design: Design, number: int, places: Any, scores: Floats) -> Look:
    margin = design.rules.margin
    safe_bound, drop_bound = design.safe_bounds[number], design.drop_bounds[number]
    found = _estimate(past, design, number, places, scores)
    if found is None:
        return _judged(design, number, _Found(len(scores)))
    return _judged(
        design,
        number,
        _Found(
            n=len(scores),
            change=found.value,
            error=found.error,
            low=found.low(safe_bound),
            high=found.high(drop_bound),
            safe=found.above(-margin),
            drop=found.below(0.0),
        ),
    )


def _estimate(
    past: Past, design: Design, number: int, places: Any, scores: Floats
) -> Adjusted | None:
    once = past.within is None and design.rules.epochs == 1 and design.stage is Stage.FIRST
    before = past.means[places]
    if once and past.is_binary and past.clusters is None and np.isin(scores, (0.0, 1.0)).all():
        return _flips(before, scores)
    order = design.order
    weights = order.weights(design.looks[number])
    if weights is not None:
        chance = dict(zip(order.places, weights, strict=False))
        weights = np.array([chance[place] for place in places.tolist()])
    clusters = past.clusters
    return adjusted_difference(
        scores,
        before,
        past.means,
        weights=weights,
        clusters=None if clusters is None else [clusters[place] for place in places.tolist()],
        all_clusters=clusters,
        span=past.span,
    )


def _flips(before: Floats, scores: Floats) -> Adjusted | None:
    """One run each: there is nothing to adjust by, and Bonett and Price's is the better error."""
    n = len(scores)
    lost = int(np.count_nonzero(before > scores))
    won = int(np.count_nonzero(before < scores))
    if n < 4:  # noqa: PLR2004  -- as for other estimates
        return None
    level = math.erf(_Z / math.sqrt(2))
    found = bonett_price(lost, won, n, level)
    assert found.value is not None
    assert found.high is not None
    span = 1.0 if lost + won < ENOUGH else 0.0
    return Adjusted(found.value, (found.high - found.value) / _Z, n - 1, 0.0, n, span)


def _bet(past: Past, design: Design, number: int, places: Any, scores: Floats) -> Look:
    rules = design.rules
    gains, sizes = _in_clusters(past, places, scores - past.means[places])
    if past.span <= 0:
        raise ValueError("betting needs scores that lie between two known ends")
    gains = gains / past.span
    margin = rules.margin / past.span
    most = float(sizes.max()) if len(sizes) else 1.0
    safe = winnings((gains + sizes * margin) / most, 1 - margin).best
    drop = winnings(-gains / most, 1.0).best
    low, high = betting_bounds(gains, rules.alpha_safe, rules.alpha_drop, sizes)
    change = float(gains.sum() / sizes.sum()) * past.span if len(sizes) else None
    span = past.span
    found = _Found(len(scores), change, None, low * span, high * span, safe, drop)
    return _judged(design, number, found)


def _in_clusters(past: Past, places: Any, differences: Floats) -> tuple[Floats, Floats]:
    if past.clusters is None:
        return differences, np.ones(len(differences))
    names = [past.clusters[place] for place in places.tolist()]
    known: dict[Any, int] = {}
    index = np.array([known.setdefault(name, len(known)) for name in names], dtype=np.intp)
    sums = np.bincount(index, differences).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def _judged(design: Design, number: int, found: _Found) -> Look:
    safe_bound, drop_bound = design.safe_bounds[number], design.drop_bounds[number]
    is_last = number == len(design.looks) - 1
    decision = Decision.INCONCLUSIVE if is_last else Decision.GO_ON
    if found.drop is not None and found.drop > drop_bound:
        decision = Decision.CONFIRM if design.stage is Stage.FIRST else Decision.REGRESSED
    lacking = 1 - found.n / design.looks[number]
    # What failed could have been wrong, all of it: then it may hide a drop of the margin.
    can_tell = lacking <= design.rules.margin
    if can_tell and found.safe is not None and found.safe > safe_bound:
        decision = Decision.SAFE  # a small drop, too, where both are shown
    return Look(
        stage=design.stage,
        number=number,
        items=design.looks[number],
        n=found.n,
        change=found.change,
        error=found.error,
        low=found.low,
        high=found.high,
        safe=found.safe,
        safe_bound=safe_bound,
        drop=found.drop,
        drop_bound=drop_bound,
        decision=decision,
    )
