"""Two arms, number by number: the difference, its interval, and whether it is shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.flips import Flips, flips
from stepeval.analysis.likeness import Unlikeness, settings, unlikeness
from stepeval.analysis.needed import Needed, needed
from stepeval.analysis.pairing import Both, Pairs, cluster_names, pair
from stepeval.stats.binary_pairs import binary_difference
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate
from stepeval.stats.multiplicity import benjamini_hochberg, holm
from stepeval.stats.paired import log_ratio, mean_difference, quantile_ratio

CONFIDENCE = 0.95
SHOWN = 1 - CONFIDENCE
TARGET = 0.02  # points: a difference that most would act on
_GRADED = 0.25  # of the scores lie between 0 and 1: their mean says more than the share of right
_P95 = 0.95
MOST_RESAMPLED = 20_000  # pairs: bootstrapping takes seconds then, and grows with them


class Kind(StrEnum):
    POINTS = "points"  # B - A of shares between 0 and 1
    RATIO = "ratio"  # B / A
    AMOUNT = "amount"  # B - A where a 0 allows no ratio


class Family(StrEnum):
    VERDICT = "verdict"  # one quality number a pair of arms, adjusted by Holm
    EXPLORATION = "exploration"  # all others, adjusted by Benjamini and Hochberg


@dataclass(frozen=True, slots=True)
class Metric:
    key: str
    kind: Kind
    more_is_better: bool
    is_latency: bool = False


ACCURACY = Metric("accuracy", Kind.POINTS, more_is_better=True)
SCORE = Metric("score", Kind.POINTS, more_is_better=True)
LOST = Metric("lost", Kind.POINTS, more_is_better=False)
_RATIOS = (
    Metric("cost", Kind.RATIO, more_is_better=False),
    Metric("output_tokens", Kind.RATIO, more_is_better=False),
    Metric("reasoning_tokens", Kind.RATIO, more_is_better=False),
    Metric("ttft_ms", Kind.RATIO, more_is_better=False, is_latency=True),
    Metric("e2e_ms", Kind.RATIO, more_is_better=False, is_latency=True),
)
_TAIL = Metric("e2e_p95_ms", Kind.RATIO, more_is_better=False, is_latency=True)


@dataclass(frozen=True, slots=True)
class Row:
    """``a`` and ``b`` are what ``difference`` compares: means, or geometric means for a ratio.

    ``p_adjusted`` is None where there is no p, or the row decides nothing: ``withheld`` says why.
    """

    metric: Metric
    a: float | None
    b: float | None
    difference: Difference
    family: Family = Family.EXPLORATION
    p_adjusted: float | None = None
    withheld: str | None = None

    @property
    def is_shown(self) -> bool:
        """A difference beyond chance, the other rows of its family allowed for."""
        return self.p_adjusted is not None and self.p_adjusted < SHOWN

    @property
    def is_up(self) -> bool:
        null = 1.0 if self.metric.kind is Kind.RATIO else 0.0
        return self.difference.estimate.value is not None and self.difference.estimate.value > null

    @property
    def is_better(self) -> bool:
        return self.is_up is self.metric.more_is_better


@dataclass(frozen=True, slots=True)
class Comparison:
    """``quality`` is the row of the verdict; None where the answers are not judged.

    ``needed``: what it would take to show a difference of :data:`TARGET`, from the pairs' spread.
    """

    a: ComparedArm
    b: ComparedArm
    pairs: Pairs
    rows: tuple[Row, ...]
    flips: Flips
    unlike: tuple[Unlikeness, ...]
    settings: tuple[str, ...]
    needed: Needed | None

    @property
    def quality(self) -> Row | None:
        return next((row for row in self.rows if row.family is Family.VERDICT), None)

    def row(self, key: str) -> Row | None:
        return next((row for row in self.rows if row.metric.key == key), None)


def compare(
    sides: Iterable[tuple[ComparedArm, ComparedArm]],
    *,
    target: float = TARGET,
    tails: bool = True,
) -> tuple[Comparison, ...]:
    """Each pair of arms, with p values adjusted over all of them.

    ``target``: the difference of quality that :attr:`Comparison.needed` asks for, from 0 to 1.
    ``tails``: 95th percentiles are compared, too, which takes the most time of all.
    """
    return _adjusted([_compare(a, b, target, tails=tails) for a, b in sides])


def is_shown_among(row: Row, pairs: int) -> bool:
    """Of one pair that was picked, for its result, among so many: Bonferroni's bound."""
    return row.difference.p is not None and row.difference.p * max(1, pairs) < SHOWN


def _compare(a: ComparedArm, b: ComparedArm, target: float, *, tails: bool) -> Comparison:
    suites = (a.suite,) if a.suite is b.suite else (a.suite, b.suite)
    pairs = pair(a.values, b.values, cluster_names(*suites))
    quality = _quality_rows(pairs) if a.suite.scoring and b.suite.scoring else ()
    lost = _points(LOST, "lost", pairs)
    rows = [*quality, *((lost,) if lost.a or lost.b else ()), *_ratio_rows(pairs, a, b)]
    if tails:
        rows.append(_tail(*pairs.both("e2e_ms")))
    return Comparison(
        a=a,
        b=b,
        pairs=pairs,
        rows=tuple(_withheld(row, a, b) for row in rows),
        flips=flips(pairs),
        unlike=unlikeness(a, b),
        settings=settings(a, b),
        needed=needed(pairs, _column(quality[0].metric), target) if quality else None,
    )


def _column(metric: Metric) -> str:
    return "score" if metric is SCORE else "correct"


def _quality_rows(pairs: Pairs) -> tuple[Row, ...]:
    """The verdict's first. Where some answers are partly right, their mean score is one, too."""
    accuracy = _points(ACCURACY, "correct", pairs)
    (both,) = pairs.both("score")
    scores = np.concatenate([both.a, both.b])
    partly = float(np.mean((scores > 0) & (scores < 1))) if len(scores) else 0.0
    if not partly:
        return (replace(accuracy, family=Family.VERDICT),)
    score = _points(SCORE, "score", pairs)
    first, second = (score, accuracy) if partly >= _GRADED else (accuracy, score)
    return replace(first, family=Family.VERDICT), second


def _points(metric: Metric, column: str, pairs: Pairs) -> Row:
    """Where each item has one 0-or-1 value of each arm, McNemar; else over items' means."""
    means = pairs.item_means(column)
    if means.clusters is None and _is_binary(means) and not pairs.is_repeated:
        only_a = int(np.count_nonzero(means.a > means.b))
        only_b = int(np.count_nonzero(means.a < means.b))
        found = binary_difference(only_a, only_b, len(means), CONFIDENCE)
    else:
        found = mean_difference(means.b - means.a, means.clusters, CONFIDENCE)
    return Row(metric, _mean(means.a), _mean(means.b), found)


def _is_binary(both: Both) -> bool:
    return bool(np.isin(np.concatenate([both.a, both.b]), (0.0, 1.0)).all())


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio_rows(pairs: Pairs, a: ComparedArm, b: ComparedArm) -> list[Row]:
    rows = []
    for metric in _RATIOS:
        (both,) = pairs.both(metric.key)
        row = _ratio(metric, both)
        if metric.key == "cost" and a.values.currency != b.values.currency and len(both):
            row = _without(row, "the prices are in different currencies")
        rows.append(row)
    return rows


def _withheld(row: Row, a: ComparedArm, b: ComparedArm) -> Row:
    reasons = dict.fromkeys(side.unfit for side in (a, b) if side.unfit)
    return replace(row, withheld=" ".join(reasons)) if row.metric.is_latency and reasons else row


def _without(row: Row, reason: str) -> Row:
    estimate = Estimate(None, None, None, row.difference.estimate.n, "log ratio", reason)
    return replace(row, difference=Difference(estimate, None, row.difference.test))


def _ratio(metric: Metric, both: Both) -> Row:
    if not len(both):
        nothing = Estimate(None, None, None, 0, "log ratio", "not known of both")
        return Row(metric, None, None, Difference(nothing, None, "paired t of logarithms"))
    if min(both.a.min(), both.b.min()) <= 0:  # tokens of an arm that does not reason
        found = mean_difference(both.b - both.a, both.clusters, CONFIDENCE)
        amount = replace(metric, kind=Kind.AMOUNT)
        return Row(amount, _mean(both.a), _mean(both.b), found)
    found = log_ratio(both.a, both.b, both.clusters, CONFIDENCE)
    return Row(metric, _geometric(both.a), _geometric(both.b), found)


def _geometric(values: np.ndarray) -> float:
    return float(np.exp(np.log(values).mean()))


def _tail(both: Both) -> Row:
    if len(both) > MOST_RESAMPLED:
        reason = f"not compared above {MOST_RESAMPLED:,} pairs"
        nothing = Estimate(None, None, None, len(both), "paired bootstrap", reason)
        return Row(_TAIL, None, None, Difference(nothing, None, "paired bootstrap"))
    found = quantile_ratio(both.a, both.b, _P95, CONFIDENCE, clusters=both.clusters)
    if found.estimate.value is None:
        return Row(_TAIL, None, None, found)
    return Row(_TAIL, float(np.quantile(both.a, _P95)), float(np.quantile(both.b, _P95)), found)


_ADJUSTMENTS: Mapping[Family, Callable[[Sequence[float]], tuple[float, ...]]] = {
    Family.VERDICT: holm,
    Family.EXPLORATION: benjamini_hochberg,
}


def _adjusted(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Rows that are withheld were not looked at: they take nothing from the others."""
    rows = [list(comparison.rows) for comparison in found]
    for family, adjust in _ADJUSTMENTS.items():
        chances = {
            (at, place): row.difference.p
            for at, listed in enumerate(rows)
            for place, row in enumerate(listed)
            if row.family is family and row.difference.p is not None and row.withheld is None
        }
        for (at, place), p in zip(chances, adjust(list(chances.values())), strict=True):
            rows[at][place] = replace(rows[at][place], p_adjusted=p)
    return tuple(replace(c, rows=tuple(listed)) for c, listed in zip(found, rows, strict=True))
