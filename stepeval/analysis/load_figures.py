"""Columns of requests become one arm's figures under one load."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import stdev
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stepeval.analysis.load_requests import METRICS, Requests
from stepeval.analysis.load_tokens import TokenColumn, counted_by, length
from stepeval.analysis.load_values import (
    ArmLoad,
    Between,
    Cache,
    Counted,
    Figures,
    Gaps,
    Length,
    Spread,
)
from stepeval.core.load import LoadPlan
from stepeval.stats.estimate import Estimate, mean_t, percentile, wilson
from stepeval.stats.occupancy import occupancy

Floats: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"

LEAST_WINDOW_S = 1e-3
_NS_PER_S = 1e9
_NS_PER_MS = 1e6
_COUNTERS = ("provider", "here", "nobody")
_BETWEEN: dict[str, Callable[[Figures], float | None]] = {
    "TTFT p50": lambda found: found.metrics["ttft"].p50.value,
    "TTFT p95": lambda found: found.metrics["ttft"].p95.value,
    "E2E p50": lambda found: found.metrics["e2e"].p50.value,
    "E2E p95": lambda found: found.metrics["e2e"].p95.value,
    "TPOT p50": lambda found: found.metrics["tpot"].p50.value,
    "answered per s": lambda found: found.done_rate,
    "tokens per s": lambda found: found.tokens_per_s,
    "goodput": lambda found: found.good.value if found.good else None,
}


def arm_load(groups: Sequence[Requests], plan: LoadPlan, *, judged: bool) -> ArmLoad:
    """``groups``: one arm under one load, one for each repeat."""
    runs = tuple(_figures([group], plan, judged=judged) for group in groups)
    pooled = runs[0] if len(runs) == 1 else _figures(groups, plan, judged=judged)
    between = {
        name: _between(values)
        for name, read in _BETWEEN.items()
        if (values := [value for run in runs if (value := read(run)) is not None])
    }
    return ArmLoad(pooled.arm, pooled.load, pooled, runs, between if len(runs) > 1 else {})


def measured(group: Requests) -> Flags:
    """Which of the group's requests were due in the window."""
    due = np.asarray(group.due_ns)
    return (due >= group.phase.steady_ns) & (due < group.phase.end_ns)


def has_measured(groups: Iterable[Requests]) -> bool:
    return any(bool(measured(group).any()) for group in groups)


def metric(groups: Iterable[Requests], name: str) -> Floats:
    """Of the measured requests that have it; milliseconds."""
    return _pooled([(np.asarray(g.metrics[name], float), measured(g)) for g in groups])


def window_s(groups: Iterable[Requests]) -> float:
    return sum(group.phase.end_ns - group.phase.steady_ns for group in groups) / _NS_PER_S


def per_second(amount: float, window_s: float) -> float | None:
    """None where the window spans no time: arrivals all at once have no rate."""
    return amount / window_s if window_s >= LEAST_WINDOW_S else None


def spread(values: "Floats | Sequence[float]") -> Spread:
    known = np.sort(np.asarray(values, float)).tolist()
    p50, p90, p95, p99 = (percentile(known, q) for q in (0.5, 0.9, 0.95, 0.99))
    return Spread(p50, p90, p95, p99, known[-1] if known else None, len(known))


def sent_inside(groups: Iterable[Requests]) -> int:
    """Requests whose first byte was written inside their window."""
    inside = 0
    for group in groups:
        sent = np.asarray(group.due_ns) + np.asarray(group.lag_ms) * _NS_PER_MS
        inside += int(((sent >= group.phase.steady_ns) & (sent < group.phase.end_ns)).sum())
    return inside


def _figures(groups: Sequence[Requests], plan: LoadPlan, *, judged: bool) -> Figures:
    window = window_s(groups)
    attempted = sum(int(measured(group).sum()) for group in groups)
    answered = _count(groups, "answered")
    in_time, good = _goodput(groups, plan, attempted, judged=judged)
    counted = Counted(*(sum(group.counted[who] for group in groups) for who in _COUNTERS))
    tokens = None if counted.nobody else _tokens(groups)
    metrics = {name: spread(metric(groups, name)) for name in METRICS}
    mean, peak = in_flight(groups)
    return Figures(
        arm=groups[0].arm,
        load=groups[0].phase.load,
        repeats=len(groups),
        window_s=window,
        attempted=attempted,
        answered=answered,
        failures=dict(sum((group.failures for group in groups), Counter[str]())),
        no_answer=answered - metrics["ttfa"].n if metrics["ttft"].n else 0,
        due_rate=per_second(attempted, window),
        sent_rate=per_second(sent_inside(groups), window),
        done_rate=per_second(_done_inside(groups), window),
        concurrency=mean,
        peak=peak,
        tokens_per_s=None if tokens is None else per_second(sum(tokens.values()), window),
        reasoning_per_s=None if tokens is None else per_second(tokens.get("reasoning", 0), window),
        answer_per_s=None if tokens is None else per_second(tokens.get("answer", 0), window),
        tokens_counted_by=counted_by(counted.provider, counted.here, plan.vocabulary),
        counted=counted,
        disbelieved=sum(group.disbelieved for group in groups),
        lengths=_lengths(groups, plan),
        in_time=in_time,
        good=good,
        good_per_s=None
        if good is None or good.value is None
        else per_second(good.value * attempted, window),
        metrics=metrics,
        lag=spread(_lags(groups)),
        gaps=gaps(groups),
        cache=_cache(groups),
    )


def in_flight(groups: Sequence[Requests]) -> tuple[float, int]:
    """Mean over all windows, and the highest of any. Groups of one phase are added up."""
    of_phase: dict[tuple[int, int], list[Requests]] = {}
    for group in groups:
        of_phase.setdefault((group.phase.number, group.phase.repeat), []).append(group)
    total, whole, peak = 0.0, 0, 0
    for own in of_phase.values():
        phase = own[0].phase
        starts = np.concatenate([np.asarray(g.sent_ns, np.int64) for g in own])
        ends = np.concatenate([np.asarray(g.over_ns, np.int64) for g in own])
        found = occupancy(starts, ends, phase.steady_ns, phase.end_ns)
        total += found.mean * (phase.end_ns - phase.steady_ns)
        whole += phase.end_ns - phase.steady_ns
        peak = max(peak, found.peak)
    return (total / whole if whole else 0.0), peak


def gaps(groups: Sequence[Requests]) -> Gaps:
    raw = np.concatenate([np.asarray(g.gaps_ms, float) for g in groups])
    shared = np.concatenate([np.asarray(g.shared, bool) for g in groups])
    sharp = np.concatenate([np.asarray(g.sharp, bool) for g in groups])
    n = len(raw)
    pairs = sum(group.token_events for group in groups)
    tokens = sum(group.counted_tokens for group in groups)
    p50, p95, p99 = (_quantile(raw, q) for q in (0.5, 0.95, 0.99))
    return Gaps(
        n=n,
        p50=p50,
        p95=p95,
        p99=p99,
        longest=float(raw.max()) if n else None,
        shared=float(shared.mean()) if n else None,
        shared_n=int(shared.sum()),
        shared_p50=_quantile(raw[shared], 0.5),
        sharp=float(sharp.mean()) if n else None,
        tokens_per_chunk=tokens / pairs if pairs else None,
    )


def _quantile(values: Floats, q: float) -> float | None:
    return percentile(values.tolist(), q).value


def _goodput(
    groups: Sequence[Requests], plan: LoadPlan, attempted: int, *, judged: bool
) -> tuple[Estimate | None, Estimate | None]:
    in_time = right = both = 0
    for group in groups:
        inside = measured(group)
        kept = np.asarray(group.in_time, bool) & inside
        correct = (np.asarray(group.right) == 1) & inside
        in_time += int(kept.sum())
        right += int(correct.sum())
        both += int((kept & correct).sum())
    share = wilson(in_time, attempted) if plan.objectives else None
    if not judged:
        return share, share
    return share, wilson(both if plan.objectives else right, attempted)


def _tokens(groups: Sequence[Requests]) -> dict[str, float] | None:
    kinds = {kind for group in groups for kind in group.tokens}
    return {kind: sum(group.tokens.get(kind, 0) for group in groups) for kind in kinds} or None


def _lengths(groups: Sequence[Requests], plan: LoadPlan) -> dict[str, Length]:
    return {
        name: length(((g.lengths[name], measured(g).tolist()) for g in groups), plan.vocabulary)
        for name in groups[0].lengths
    }


def _cache(groups: Sequence[Requests]) -> Cache:
    columns = [
        (np.asarray(g.metrics["ttft"], float), np.asarray(g.cached, float), measured(g))
        for g in groups
    ]
    ttft = np.concatenate([first[inside] for first, _, inside in columns])
    cached = np.concatenate([read[inside] for _, read, inside in columns])
    asked = np.concatenate([_told(g.lengths["input"])[measured(g)] for g in groups])
    has_ttft = ~np.isnan(ttft)
    known = ~np.isnan(cached) & ~np.isnan(asked)
    total = float(asked[known].sum())
    return Cache(
        cold=spread(ttft[has_ttft & (cached == 0)]),
        warm=spread(ttft[has_ttft & (cached > 0)]),
        unknown=spread(ttft[has_ttft & np.isnan(cached)]),
        share=float(cached[known].sum()) / total if total else None,
    )


def _told(column: TokenColumn) -> Floats:
    """By the server alone: it is what also tells the cached part."""
    return np.where(np.asarray(column.here, bool), np.nan, np.asarray(column.counts, float))


def _lags(groups: Sequence[Requests]) -> Floats:
    return _pooled([(np.asarray(g.lag_ms, float), measured(g)) for g in groups])


def _done_inside(groups: Iterable[Requests]) -> int:
    done = 0
    for group in groups:
        finish = np.asarray(group.finish_ns)
        inside = (finish >= group.phase.steady_ns) & (finish < group.phase.end_ns)
        done += int((inside & np.asarray(group.answered, bool)).sum())
    return done


def _count(groups: Iterable[Requests], column: str) -> int:
    return sum(int((np.asarray(getattr(g, column), bool) & measured(g)).sum()) for g in groups)


def _pooled(columns: Sequence[tuple[Floats, Flags]]) -> Floats:
    if not columns:
        return np.empty(0)
    values = np.concatenate([values[inside] for values, inside in columns])
    known: Floats = values[~np.isnan(values)]
    return known


def _between(values: Sequence[float]) -> Between:
    return Between(tuple(values), mean_t(values), stdev(values) if len(values) > 1 else None)
