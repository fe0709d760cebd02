"""Whether a load's numbers are the server's, or the client's own limit. The rule is pure."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stepeval.analysis.load_figures import (
    gaps,
    in_flight,
    measured,
    metric,
    per_second,
    sent_inside,
    spread,
    window_s,
)
from stepeval.analysis.load_requests import Requests
from stepeval.analysis.load_values import Certificate, Spread
from stepeval.core.load import FIXED_RATE, Ceiling, Health, LoadPlan, Shape
from stepeval.stats.estimate import smallest_n

MOST_LOOP_LAG_MS = 10.0
LEAST_LOOP_LAG_MS = 1.0  # below it no gap is bent by more than a millisecond
MOST_START_LAG_MS = 5.0
MOST_CPU = 0.9
LEAST_SENT = 0.95
LEAST_WINDOW_S = 1.0  # below it one pause is a large part of it, and the processor's time is coarse
ENOUGH_LAGS = 100  # of the event loop; a second has as many
MOST_OF_CEILING = 0.8
_FEW = 3  # requests at a window's edges, and standard deviations of random arrivals
_US_PER_MS = 1e3
_PERCENTS = ((0.99, "p99"), (0.95, "p95"), (0.9, "p90"), (0.5, "p50"))


def certificate(groups: Sequence[Requests], plan: LoadPlan) -> Certificate:
    """``groups``: every arm and repeat of one load."""
    window = window_s({id(g.phase): g for g in groups}.values())
    health = [h for phase in {id(g.phase): g.phase for g in groups}.values() for h in phase.health]
    due = sum(int(measured(group).sum()) for group in groups)
    sent = sent_inside(groups)
    asked = groups[0].phase.load if plan.shape in FIXED_RATE else None
    events = sum(group.events for group in groups)
    mean, peak = in_flight(groups)
    rates = (per_second(sent, window), per_second(events, window))
    loop_lag = spread([lag / _US_PER_MS for one in health for lag in one.lags_us])
    found = Certificate(
        load=groups[0].phase.load,
        loop_lag=loop_lag,
        lag=spread(_measured(groups, "lag_ms")),
        start_lag=spread(_measured(groups, "start_lag_ms")),
        asked_rate=asked,
        due_rate=per_second(due, window),
        sent_rate=rates[0],
        cpu_share=_cpu_share(health),
        workers=plan.workers,
        coalesced_share=sum(g.coalesced for g in groups) / events if events else None,
        stamps=dict(sum((group.stamps for group in groups), Counter[str]())),
        gap_p50=_lone_gap(groups),
        transports=tuple(sorted({one.transport for one in health})),
        chunks_per_s=rates[1],
        of_ceiling=_of_ceiling(plan.ceiling, plan.workers, *rates),
        concurrency=mean,
        peak=peak,
        holds=holds(min((len(metric([group], "e2e")) for group in groups), default=0)),
        too_short=window < LEAST_WINDOW_S and loop_lag.n < ENOUGH_LAGS,
    )
    return replace(found, limits=tuple(client_limits(found, plan, window_s=window)))


def holds(n: int) -> str | None:
    """The highest percentile that n values can hold."""
    return next((name for q, name in _PERCENTS if n >= smallest_n(q)), None) if n else None


def client_limits(found: Certificate, plan: LoadPlan, *, window_s: float) -> Iterator[str]:
    """Why the client may have set the numbers. A tail is the highest percentile n can hold.

    - The event loop's lag is above 10 ms, or above both 1 ms and the median gap between chunks
      that shared no read: several chunks then share one read, and even the kernel's stamps are
      only bounds.
    - In an open loop: requests were taken up more than 5 ms after they were due (that a connection
      had to be opened is not counted); or fewer than 95% of those due were sent within the window;
      or fewer were due than was asked for, by 5% and more than chance does.
    - A worker used its processor for more than 90% of the time.
    - The load is above 80% of what this machine's client reached when it was calibrated.

    The loop and the processor are judged in windows of a second or more, or by 100 lags or more.
    """
    if not found.too_short:
        yield from _loop_limits(found)
    if plan.shape is not Shape.CLOSED:
        yield from _pace_limits(found, plan, window_s)
    if not found.too_short and found.cpu_share is not None and found.cpu_share > MOST_CPU:
        yield f"a worker's processor was {100 * found.cpu_share:.0f}% busy"
    if found.of_ceiling is not None and found.of_ceiling > MOST_OF_CEILING:
        yield f"the load is {100 * found.of_ceiling:.0f}% of this machine's measured ceiling"


def _loop_limits(found: Certificate) -> Iterator[str]:
    name, lag = _tail(found.loop_lag)
    gap = found.gap_p50
    if lag > MOST_LOOP_LAG_MS:
        yield f"the event loop woke {lag:.1f} ms late at {name}"
    elif gap is not None and lag > max(gap, LEAST_LOOP_LAG_MS):
        yield f"the event loop woke {lag:.1f} ms late at {name}, and chunks came every {gap:.1f} ms"


def _pace_limits(found: Certificate, plan: LoadPlan, window_s: float) -> Iterator[str]:
    name, lag = _tail(found.start_lag)
    if lag > MOST_START_LAG_MS:
        yield f"requests were taken up {lag:.1f} ms late at {name}"
    if found.due_rate is None or found.sent_rate is None:
        return  # all at once: most are sent after such a window, and must be
    due, sent = found.due_rate * window_s, found.sent_rate * window_s
    if due - sent > max((1 - LEAST_SENT) * due, _FEW):
        yield f"only {found.sent_rate:.4g} of {found.due_rate:.4g} requests/s due were sent in time"
    if found.asked_rate is None:
        return
    asked = found.asked_rate * window_s
    chance = _FEW * math.sqrt(asked / plan.burstiness if plan.shape is Shape.GAMMA else asked)
    noise = _FEW if plan.shape is Shape.CONSTANT else chance
    if asked - due > max((1 - LEAST_SENT) * asked, noise):
        yield f"only {found.due_rate:.4g} of {found.asked_rate:.4g} requests/s were scheduled"


def _tail(found: Spread) -> tuple[str, float]:
    for name in ("p99", "p95", "p90", "p50"):
        value = getattr(found, name).value
        if value is not None:
            return name, value
    return "p50", 0.0


def _measured(groups: Sequence[Requests], column: str) -> list[float]:
    values = [np.asarray(getattr(group, column), float)[measured(group)] for group in groups]
    pooled = np.concatenate(values)
    known: list[float] = pooled[~np.isnan(pooled)].tolist()
    return known


def _lone_gap(groups: Sequence[Requests]) -> float | None:
    raw = np.concatenate([np.asarray(g.gaps_ms, float) for g in groups])
    shared = np.concatenate([np.asarray(g.shared, bool) for g in groups])
    alone = raw[~shared]
    return float(np.median(alone)) if len(alone) else gaps(groups).p50


def _cpu_share(health: Sequence[Health]) -> float | None:
    return max((one.cpu_s / one.wall_s for one in health if one.wall_s > 0), default=None)


def _of_ceiling(
    ceiling: Ceiling | None,
    workers: int,
    requests_per_s: float | None,
    chunks_per_s: float | None,
) -> float | None:
    """Of the nearer of its two bounds. One measured with another number of workers is none."""
    if ceiling is None or ceiling.workers != workers:
        return None
    bounds = ((requests_per_s, ceiling.requests_per_s), (chunks_per_s, ceiling.chunks_per_s))
    return max(
        (rate / most for rate, most in bounds if rate is not None and most > 0), default=None
    )
