"""Is it worse than the baseline? Three answers, for one metric or for several at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from stepeval.stats.estimate import Estimate
from stepeval.stats.multiplicity import holm
from stepeval.stats.student import t_quantile

_ALPHA = 0.05
_POWER = 0.8
_MOST_LACKING = 0.05  # of what a ratio is made of
_MOST = 1e4  # times the error, beyond which a change is none
_NORMAL = NormalDist()


class Verdict(StrEnum):
    REGRESSED = "regressed"
    SAFE = "safe"
    INCONCLUSIVE = "inconclusive"


class Scale(StrEnum):
    """``POINTS``: new less old, more is better. ``RATIO``: new by old, more is worse."""

    POINTS = "points"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """``margin``: the worsening that is still accepted, 0.02 of a score or a ratio of 1.1."""

    metric: str
    margin: float
    scale: Scale = Scale.POINTS

    def __post_init__(self) -> None:
        least = 0.0 if self.scale is Scale.POINTS else 1.0
        if not least < self.margin < math.inf:
            raise ValueError(f"the margin of {self.metric} must be above {least:g}")

    @property
    def distance(self) -> float:
        """Above 0, on the scale where no change is 0: points, or the logarithm of the ratio."""
        return self.margin if self.scale is Scale.POINTS else math.log(self.margin)


@dataclass(frozen=True, slots=True)
class Change:
    """``estimate`` with its ``confidence``, as a difference or a ratio by the tolerance's scale.

    ``items`` answered it and ``cost`` was spent on them, in one currency; None: not known.
    ``p``: the two-sided one of "no change", where a better test than the interval's gave it.
    ``lacking``: the share of the new answers that gave no value, as where the request failed.
    """

    tolerance: Tolerance
    estimate: Estimate
    confidence: float
    items: int
    cost: float | None = None
    p: float | None = None
    lacking: float = 0.0

    @property
    def may_hide(self) -> bool:
        """Whether what is lacking could be worse by more than the margin: then nothing is safe."""
        points = self.tolerance.scale is Scale.POINTS
        return self.lacking > (self.tolerance.margin if points else _MOST_LACKING)


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """``p_worse`` is adjusted for the metrics that were looked at together, ``p_unsafe`` is not:
    all have to be safe at once, and that needs no adjusting.

    ``small_drop``: safe, and shown to be worse by less than the margin. ``more_items``: how many
    more decide it in four of five times where the change is what it seems; None: decided, or no
    number would. ``more_cost`` is theirs.
    """

    change: Change
    verdict: Verdict
    p_worse: float | None
    p_unsafe: float | None
    small_drop: bool = False
    more_items: int | None = None
    more_cost: float | None = None


@dataclass(frozen=True, slots=True)
class GateVerdict:
    verdict: Verdict
    metrics: tuple[MetricVerdict, ...]
    alpha: float


def gate(changes: Sequence[Change], alpha: float = _ALPHA) -> GateVerdict:
    """Regressed where a metric is: a worsening shown, and it is not shown to be within its margin.

    The chance of any false "regressed" among the metrics is at most ``alpha`` (Holm 1979). Safe
    where every metric is, each at ``alpha``: an intersection-union test (Berger 1982). Raises
    ValueError: there is no metric.
    """
    if not changes:
        raise ValueError("a gate needs a metric")
    tails = [_tails(change) for change in changes]
    told = [place for place, tail in enumerate(tails) if tail is not None]
    adjusted = dict(zip(told, holm([tail[0] for tail in tails if tail is not None]), strict=True))
    metrics = tuple(
        _judge(change, tail, adjusted.get(place), alpha)
        for place, (change, tail) in enumerate(zip(changes, tails, strict=True))
    )
    return GateVerdict(overall([metric.verdict for metric in metrics]), metrics, alpha)


def items_lacking(change: float, error: float, items: int, margin: float) -> int | None:
    """How many more than these ``items`` decide it in four of five times, None: no number would.

    ``error`` is the standard error of ``change``, both in units of the score as ``margin`` is.
    """
    ends = Estimate(change, change - error, change + error, max(items, 2), "z")
    one_error = 2 * _NORMAL.cdf(1) - 1
    return _more(Change(Tolerance("score", margin), ends, one_error, items), _ALPHA)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst that is certain: one regressed metric is enough, and all must be safe."""
    if Verdict.REGRESSED in verdicts:
        return Verdict.REGRESSED
    return Verdict.SAFE if set(verdicts) == {Verdict.SAFE} else Verdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a change lies, with better upwards and no change at 0, and its errors either way."""

    value: float
    below: float
    above: float


def _place(change: Change) -> _Place | None:
    found = change.estimate
    if found.value is None or found.low is None or found.high is None or found.n < 2:  # noqa: PLR2004
        return None
    ends = [found.low, found.value, found.high]
    if change.tolerance.scale is Scale.RATIO:
        if ends[0] <= 0:
            return None
        ends = [-math.log(end) for end in reversed(ends)]
    wide = _quantile(change)
    return _Place(ends[1], (ends[1] - ends[0]) / wide, (ends[2] - ends[1]) / wide)


def _quantile(change: Change) -> float:
    """By which the interval's half width was made from an error: t's where it came from t."""
    found = change.estimate
    if found.method in {"t", "log ratio"}:
        return t_quantile(change.confidence, found.n - 1)
    return _NORMAL.inv_cdf((1 + change.confidence) / 2)


def _tails(change: Change) -> tuple[float, float] | None:
    """One-sided p of "not worse" and of "worse by the margin or more".

    The first uses the interval's half above the value, the second the half below: the side that
    faces the claim.
    """
    place = _place(change)
    if place is None or place.below <= 0 or place.above <= 0:
        return None
    worse = _NORMAL.cdf(_as_z(change, place.value / place.above))
    if change.p is not None:
        worse = change.p / 2 if place.value < 0 else 1 - change.p / 2
    unsafe = _NORMAL.cdf(_as_z(change, -(place.value + change.tolerance.distance) / place.below))
    return worse, unsafe


def _as_z(change: Change, t: float) -> float:
    """``t`` as the normal quantile of the same tail."""
    if change.estimate.method not in {"t", "log ratio"}:
        return t
    from scipy.special import stdtr  # noqa: PLC0415  -- takes longer than most reports

    tail = max(float(stdtr(change.estimate.n - 1, -abs(t))), 1e-300)
    return math.copysign(-_NORMAL.inv_cdf(tail), t)


def _judge(
    change: Change, tails: tuple[float, float] | None, p_worse: float | None, alpha: float
) -> MetricVerdict:
    if tails is None or p_worse is None:
        return MetricVerdict(change, Verdict.INCONCLUSIVE, None, None)
    is_worse, is_safe = p_worse < alpha, tails[1] < alpha
    if is_safe and change.may_hide:
        return MetricVerdict(change, Verdict.INCONCLUSIVE, p_worse, tails[1])
    if is_safe:
        return MetricVerdict(change, Verdict.SAFE, p_worse, tails[1], small_drop=is_worse)
    if is_worse:
        return MetricVerdict(change, Verdict.REGRESSED, p_worse, tails[1])
    more = _more(change, alpha)
    each = None if change.cost is None or not change.items else change.cost / change.items
    return MetricVerdict(
        change,
        Verdict.INCONCLUSIVE,
        p_worse,
        tails[1],
        more_items=more,
        more_cost=None if more is None or each is None else more * each,
    )


def _more(change: Change, alpha: float) -> int | None:
    """An error falls with the root of n: how far it must, for the nearer of the two claims."""
    place = _place(change)
    if place is None:
        return None
    z = _NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(_POWER)
    claims = [(place.value + change.tolerance.distance, place.below), (-place.value, place.above)]
    errors = [z * error / room for room, error in claims if room * _MOST > z * error]
    if not errors:
        return None
    return max(1, math.ceil(change.items * (min(errors) ** 2 - 1)))
