"""A baseline's items and a run's on the same samples, as the changes that a gate judges."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import TypeAlias

import numpy as np

from stepeval.analysis.gate import Change, Scale, Tolerance
from stepeval.core.baseline import ItemValues
from stepeval.core.gate import SCORE
from stepeval.stats.adjusted import adjusted_difference
from stepeval.stats.binary_pairs import bonett_price, mcnemar_mid_p
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate
from stepeval.stats.paired import log_ratio
from stepeval.stats.quantiles import quantile_ratio

CONFIDENCE = 0.9  # of the intervals: 5% on either side
DEFAULT_MARGINS: Mapping[str, float] = {
    SCORE: 0.05,
    "latency_typical": 1.2,
    "latency_p95": 1.2,
    "ttft_typical": 1.2,
    "ttft_p95": 1.2,
    "cost": 1.1,
}
# A slowdown of the tail alone hides from the typical ratio, and one of all from the tail's.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "latency": ("latency_typical", "latency_p95"),
    "ttft": ("ttft_typical", "ttft_p95"),
}
_Z = 1.6448536269514722  # of CONFIDENCE, on both sides
_TAIL = 0.95
_ALIKE = 10  # items: fewer may be alike by chance
_HAIR = 1.0001

Values: TypeAlias = tuple[float | None, ...]


def is_latency(metric: str) -> bool:
    return metric.startswith(("latency", "ttft"))


@dataclass(frozen=True, slots=True)
class Matched:
    """``pairs`` are of the same sample, the baseline's first. ``changed`` samples have one id in
    both, and another content: they are among ``only_before`` and ``only_now``.
    """

    pairs: tuple[tuple[ItemValues, ItemValues], ...]
    only_before: int
    only_now: int
    changed: int


def match(before: Sequence[ItemValues], now: Sequence[ItemValues]) -> Matched:
    """By the content of the sample, in the order of the baseline."""
    ours = {item.key: item for item in now}
    pairs = tuple((item, ours.pop(item.key)) for item in before if item.key in ours)
    known = {old.key for old, _ in pairs}
    gone = {item.id for item in before if item.key not in known}
    return Matched(
        pairs=pairs,
        only_before=len(before) - len(pairs),
        only_now=len(ours),
        changed=len(gone & {item.id for item in ours.values()}),
    )


def change_of(metric: str, margin: float, matched: Matched) -> Change:
    """``metric`` is one of :data:`DEFAULT_MARGINS`."""
    measure, read = _MEASURES[metric], _VALUES[metric]
    scale = Scale.POINTS if metric == SCORE else Scale.RATIO
    found, items = measure(matched)
    spent = [cost for _, now in matched.pairs for cost in now.costs if cost is not None]
    return Change(
        tolerance=Tolerance(metric, margin, scale),
        estimate=found.estimate,
        confidence=CONFIDENCE,
        items=items,
        cost=fsum(spent) if spent else None,
        p=found.p,
        lacking=_lacking([read(now) for _, now in matched.pairs]),
    )


def _lacking(values: Sequence[Values]) -> float:
    """Share without a value, each item counting once, as in a mean over items."""
    if not values:
        return 0.0
    return fsum(each.count(None) / len(each) for each in values) / len(values)


def _score(matched: Matched) -> tuple[Difference, int]:
    """Of means by item. Where each has one answer that is right or wrong: Bonett and Price.

    Else what the baseline says of an item is used up by regression, as early stopping does, so
    that a whole run and a stopped one are judged alike.
    """
    known = _both(matched, _VALUES[SCORE])
    before = np.array([_mean(old) for old, _, _ in known])
    now = np.array([_mean(new) for _, new, _ in known])
    clusters = _clusters([name for _, _, name in known], repeated=False)
    once = all(len(old) == len(new) == 1 for old, new, _ in known)
    if once and clusters is None and _is_binary(before) and _is_binary(now):
        lost, won = int((before > now).sum()), int((before < now).sum())
        found = _no_surer(bonett_price(lost, won, len(known), CONFIDENCE), lost, won)
        return Difference(found, mcnemar_mid_p(lost, won), "mid-p McNemar"), len(known)
    adjusted = None
    if known:
        adjusted = adjusted_difference(
            now, before, before, clusters=clusters, all_clusters=clusters, span=1.0
        )
    if adjusted is None:
        reason = "too few items to tell" if known else "no item has a score in both"
        return Difference(Estimate(None, None, None, len(known), "t", reason), None, "z"), 0
    ends = adjusted.low(_Z), adjusted.high(_Z)
    estimate = Estimate(adjusted.value, *ends, adjusted.n, "regression-adjusted")
    return Difference(estimate, None, "adjusted z"), len(known)


def _no_surer(found: Estimate, lost: int, won: int) -> Estimate:
    """Where few flips were seen, the lower end allows for those that were not: as many more losses
    as so few do not exclude (Clopper and Pearson 1934).
    """
    from scipy.special import betaincinv  # noqa: PLC0415  -- takes longer than most reports

    if found.low is None or lost == found.n:
        return found
    most = float(betaincinv(lost + 1, found.n - lost, (1 + CONFIDENCE) / 2))
    return replace(found, low=max(-1.0, min(found.low, won / found.n - most)))


def _ratio_of(read: Callable[[ItemValues], Values]) -> Callable[[Matched], tuple[Difference, int]]:
    """Of an item's geometric means, so that one slow answer of five is no slow item."""

    def measure(matched: Matched) -> tuple[Difference, int]:
        known = _both(matched, read, positive=True)
        before = [math.exp(_mean([math.log(v) for v in old])) for old, _, _ in known]
        now = [math.exp(_mean([math.log(v) for v in new])) for _, new, _ in known]
        clusters = _clusters([name for _, _, name in known], repeated=False)
        return _no_narrower(log_ratio(before, now, clusters, CONFIDENCE)), len(known)

    return measure


def _no_narrower(found: Difference) -> Difference:
    """Where hardly a ratio differs from the others, as with the costs of the same answers, t would
    claim certainty, or none at all: then the interval is a hair wide.
    """
    ratio = found.estimate
    if ratio.value is None or ratio.n < _ALIKE:
        return found
    if ratio.low is not None and ratio.high is not None and ratio.high / ratio.low > _HAIR**2:
        return found
    ends = ratio.value / _HAIR, ratio.value * _HAIR
    return Difference(Estimate(ratio.value, *ends, ratio.n, ratio.method), None, found.test)


def _tail_of(read: Callable[[ItemValues], Values]) -> Callable[[Matched], tuple[Difference, int]]:
    """Answer by answer, as many of an item as both have: a mean of several has another tail."""

    def measure(matched: Matched) -> tuple[Difference, int]:
        known = _both(matched, read, positive=True)
        rows = [
            (old, new, name or place)
            for place, (olds, news, name) in enumerate(known)
            for old, new in zip(olds, news, strict=False)
        ]
        clusters = _clusters([name for _, _, name in known], repeated=len(rows) > len(known))
        found = quantile_ratio(
            [old for old, _, _ in rows],
            [new for _, new, _ in rows],
            _TAIL,
            CONFIDENCE,
            clusters=None if clusters is None else [name for _, _, name in rows],
        )
        return found, len(known)

    return measure


_VALUES: Mapping[str, Callable[[ItemValues], Values]] = {
    SCORE: lambda item: item.scores,
    "latency_typical": lambda item: item.e2e_ms,
    "latency_p95": lambda item: item.e2e_ms,
    "ttft_typical": lambda item: item.ttft_ms,
    "ttft_p95": lambda item: item.ttft_ms,
    "cost": lambda item: item.costs,
}
_MEASURES: Mapping[str, Callable[[Matched], tuple[Difference, int]]] = {
    name: _score if name == SCORE else (_tail_of if name.endswith("p95") else _ratio_of)(read)
    for name, read in _VALUES.items()
}


def _both(
    matched: Matched, read: Callable[[ItemValues], Values], *, positive: bool = False
) -> list[tuple[list[float], list[float], tuple[str, str] | None]]:
    """The known values of items that have some on both sides, and the item's cluster."""
    found = []
    for old, new in matched.pairs:
        sides = [
            [value for value in read(item) if value is not None and (value > 0 or not positive)]
            for item in (old, new)
        ]
        if all(sides):
            name = None if new.cluster is None else ("cluster", new.cluster)
            found.append((sides[0], sides[1], name))
    return found


def _clusters(
    names: Sequence[tuple[str, str] | None], *, repeated: bool
) -> list[tuple[str, str] | int] | None:
    """None where every value stands for itself."""
    if not repeated and all(name is None for name in names):
        return None
    return [place if name is None else name for place, name in enumerate(names)]


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _is_binary(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())
