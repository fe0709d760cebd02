"""One line an arm: what it scored, how long it took, what it cost. One pass over the rows."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.outcomes import counts_as
from stepeval.core.chat import FailureKind
from stepeval.core.record import Mode, Outcome
from stepeval.stats.estimate import (
    BOOTSTRAPPED,
    Estimate,
    clustered_mean,
    percentile,
    ratio,
    wilson,
)

_TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "answer_tokens")
# Failures that one answer may meet and another not: a second draw is then no fair stand-in.
_OF_THE_ANSWER = frozenset(
    {
        FailureKind.FIRST_BYTE_TIMEOUT,
        FailureKind.READ_TIMEOUT,
        FailureKind.TOTAL_TIMEOUT,
        FailureKind.DISCONNECTED,
        FailureKind.PROTOCOL,
        FailureKind.BAD_STREAM,
        FailureKind.SERVER,
    }
)
_ROUNDING = 1e-9  # scores that differ by less are the same


@dataclass(frozen=True, slots=True)
class Percentiles:
    p50: Estimate
    p90: Estimate
    p95: Estimate


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """``n`` rows (choices) of ``cells`` requests.

    ``accuracy``: correct / all but failed, unscored and skipped. ``score``: the same rows' mean
    score. Both by Wilson's interval where every item has one 0-or-1 value; else by t with a
    standard error clustered by item, as runs of an item are no independent values. Samples with a
    cluster are clustered by that: it stands for "item" below. Where all runs are right, or all
    wrong, Wilson's with n the items; where items agree on a value between, the bounds are None.
    Latencies in milliseconds and token means (clustered alike, their bounds the
    mean itself where items agree) are of answered requests.
    ``cost_total`` is what the run paid, ``cost_original`` what its answers cost when they were
    sent: more, where a cache or a cassette gave some. Both cover the ``cost_cells`` requests whose
    cost is known. ``cost_per_correct``: the original cost of judged requests by their correct
    answers, Fieller over items, or the bootstrap over items where they are few. ``from_cache``:
    requests that the response cache answered. ``retry_share``: requests with more than one attempt;
    ``retried`` counts the failures before the last one by kind, ``reroll_share`` the requests where
    the answer itself may have caused one.
    ``cached_share``: of input tokens, where both are known.
    """

    arm: str
    mode: Mode | None
    n: int
    cells: int
    outcomes: Mapping[Outcome, int]
    accuracy: Estimate
    score: Estimate
    ttft_ms: Percentiles
    e2e_ms: Percentiles
    tpot_ms: Estimate
    input_tokens: Estimate
    output_tokens: Estimate
    reasoning_tokens: Estimate
    answer_tokens: Estimate
    cost_total: float | None
    cost_original: float | None
    cost_cells: int
    currency: str | None
    cost_per_correct: Estimate
    failures: Mapping[str, int]
    from_cache: int
    retry_share: float | None
    retried: Mapping[str, int]
    reroll_share: float | None
    cached_share: float | None


def leaderboard(rows: Iterable[SampleRow], arms: Sequence[str] = ()) -> tuple[ArmSummary, ...]:
    """In the order of ``arms`` (the suite's), then as they turn up.

    An arm without rows has n = 0. Only numbers are kept, so that the rows may be a stream.
    The rows of a cell must stand together, as :func:`stepeval.analysis.rows.sample_rows` has them.
    """
    tallies = {arm: _Tally(arm) for arm in arms}
    for row in rows:
        tally = tallies.get(row.arm)
        if tally is None:
            tally = tallies[row.arm] = _Tally(row.arm)
        tally.add(row)
    return tuple(tally.summary() for tally in tallies.values())


class _Items:
    """Sums and counts by item, or by cluster of items: what it holds are no independent values."""

    def __init__(self) -> None:
        self.sums = array("d")
        self.counts = array("q")

    def add(self, item: int, value: float) -> None:
        missing = item + 1 - len(self.sums)
        if missing > 0:
            self.sums.extend([0.0] * missing)
            self.counts.extend([0] * missing)
        self.sums[item] += value
        self.counts[item] += 1

    def mean(self) -> Estimate:
        return clustered_mean(self.sums, self.counts)


class _Proportion(_Items):
    def __init__(self) -> None:
        super().__init__()
        self._binary = True

    def add(self, item: int, value: float) -> None:
        super().add(item, value)
        self._binary = self._binary and value in (0.0, 1.0)

    def estimate(self) -> Estimate:
        """Bounds stay within 0 and 1, where the values are."""
        if self._binary and max(self.counts, default=1) == 1:
            return wilson(round(sum(self.sums)), sum(self.counts))
        found = self.mean()
        if found.value is None:
            return found
        if self._items_agree():
            return _without_spread(found, found.value)
        low = None if found.low is None else max(0.0, found.low)
        high = None if found.high is None else min(1.0, found.high)
        return Estimate(found.value, low, high, found.n, found.method, found.reason)

    def _items_agree(self) -> bool:
        means = [s / n for s, n in zip(self.sums, self.counts, strict=True) if n]
        return max(means) - min(means) < _ROUNDING


def _without_spread(found: Estimate, value: float) -> Estimate:
    """Where items agree, t would claim certainty.

    All right or all wrong is a proportion of items: further runs of an item are no evidence.
    """
    if min(value, 1 - value) < _ROUNDING:
        return wilson(round(value) * found.n, found.n)
    reason = found.reason or "the items do not differ"
    return Estimate(value, None, None, found.n, found.method, reason)


class _Tally:
    def __init__(self, arm: str) -> None:
        self._arm = arm
        self._mode: Mode | None = None
        self._items: dict[str, int] = {}
        self._clusters: dict[str, int] = {}  # numbered with the items that have none
        self._last_cell: str | None = None
        self._n = self._cells = self._retried = self._cost_cells = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._failures: Counter[str] = Counter()
        self._retried_after: Counter[str] = Counter()
        self._rerolled = 0
        self._accuracy, self._score = _Proportion(), _Proportion()
        self._ttft, self._e2e, self._tpot = array("d"), array("d"), array("d")
        self._tokens = {name: _Items() for name in _TOKENS}
        self._cost = self._original = 0.0
        self._from_cache = 0
        self._currency: str | None = None
        self._judged_cost, self._judged_correct = _Items(), _Items()
        self._cached = self._cacheable = 0

    def add(self, row: SampleRow) -> None:
        known = len(self._items) + len(self._clusters)
        if row.cluster is None:
            item = self._items.setdefault(row.sample_key, known)
        else:
            item = self._clusters.setdefault(row.cluster, known)
        self._mode = row.mode
        self._n += 1
        self._outcomes[row.outcome] += 1
        if row.correct is not None:
            self._accuracy.add(item, float(row.correct))
        value = counts_as(row.outcome, row.score)
        if value is not None:
            self._score.add(item, value)
        is_first = row.cell_id != self._last_cell
        self._last_cell = row.cell_id
        if row.original_cost is not None and row.outcome is not Outcome.UNSCORED:
            self._judged_cost.add(item, row.original_cost if is_first else 0.0)
            self._judged_correct.add(item, float(row.outcome is Outcome.CORRECT))
        if is_first:
            self._add_request(item, row)

    def _add_request(self, item: int, row: SampleRow) -> None:
        self._cells += 1
        self._retried += row.attempts > 1
        self._from_cache += row.from_cache
        kinds = row.retried.split(",") if row.retried else []
        self._retried_after.update(kinds)
        self._rerolled += not _OF_THE_ANSWER.isdisjoint(kinds)
        if row.failure is not None:
            self._failures[row.failure] += 1
        measured = (
            (self._ttft, row.ttft_ms),
            (self._e2e, row.e2e_ms),
            (self._tpot, row.tpot_ms),
        )
        for values, value in measured:
            if value is not None:
                values.append(value)
        for name, items in self._tokens.items():
            tokens: int | None = getattr(row, name)
            if tokens is not None:
                items.add(item, tokens)
        if row.cached_tokens is not None and row.input_tokens is not None:
            self._cached += row.cached_tokens
            self._cacheable += row.input_tokens
        self._currency = row.currency or self._currency
        if row.cost is not None and row.original_cost is not None:
            self._cost += row.cost
            self._original += row.original_cost
            self._cost_cells += 1

    def summary(self) -> ArmSummary:
        tokens = {name: items.mean() for name, items in self._tokens.items()}
        return ArmSummary(
            arm=self._arm,
            mode=self._mode,
            n=self._n,
            cells=self._cells,
            outcomes=dict(self._outcomes),
            accuracy=self._accuracy.estimate(),
            score=self._score.estimate(),
            ttft_ms=_percentiles(self._ttft),
            e2e_ms=_percentiles(self._e2e),
            tpot_ms=percentile(self._tpot, 0.5),
            cost_total=self._cost if self._cost_cells else None,
            cost_original=self._original if self._cost_cells else None,
            cost_cells=self._cost_cells,
            currency=self._currency,
            cost_per_correct=self._cost_per_correct(),
            failures=dict(self._failures),
            from_cache=self._from_cache,
            retry_share=self._retried / self._cells if self._cells else None,
            retried=dict(self._retried_after),
            reroll_share=self._rerolled / self._cells if self._cells else None,
            cached_share=self._cached / self._cacheable if self._cacheable else None,
            **tokens,
        )

    def _cost_per_correct(self) -> Estimate:
        """An item's sums belong together, and one without a judged request has neither."""
        judged = [n > 0 for n in self._judged_cost.counts]
        costs = [s for s, used in zip(self._judged_cost.sums, judged, strict=True) if used]
        correct = [s for s, used in zip(self._judged_correct.sums, judged, strict=True) if used]
        found = ratio(costs, correct)
        if found.value is not None and found.n in BOOTSTRAPPED:
            from stepeval.stats.bootstrap import bca, weighted_ratio  # noqa: PLC0415  -- needs numpy

            found = bca(weighted_ratio, (costs, correct), expanded=True)
        if found.value is None and found.n:
            return Estimate(None, None, None, found.n, found.method, "no correct answer")
        return found


def _percentiles(values: Sequence[float]) -> Percentiles:
    known = sorted(values)
    return Percentiles(percentile(known, 0.5), percentile(known, 0.9), percentile(known, 0.95))
