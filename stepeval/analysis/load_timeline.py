"""A benchmark's course: what was due in each stretch of time, and how it fared."""

from collections.abc import Sequence

import numpy as np

from stepeval.analysis.load_requests import Measured, Requests
from stepeval.analysis.load_values import Bin, TimeLine

_MOST_BINS = 120
_WIDTHS_S = tuple(digit * 10.0**power for power in range(-2, 6) for digit in (1, 2, 5))
_NS_PER_S = 1e9


def time_line(measured: Measured) -> TimeLine:
    """From the first phase's begin to the last one's end, in at most 120 bins of a round width."""
    if not measured.phases:
        return TimeLine(1.0, {}, ())
    zero = min(phase.begin_ns for phase in measured.phases)
    whole_s = (max(phase.end_ns for phase in measured.phases) - zero) / _NS_PER_S
    width = next((w for w in _WIDTHS_S if whole_s / w <= _MOST_BINS), _WIDTHS_S[-1])
    arms = {
        arm: _bins([g for g in measured.groups if g.arm == arm], zero, width)
        for arm in measured.arms
    }
    phases = tuple(
        (
            (phase.begin_ns - zero) / _NS_PER_S,
            (phase.steady_ns - zero) / _NS_PER_S,
            (phase.end_ns - zero) / _NS_PER_S,
            phase.load,
        )
        for phase in measured.phases
    )
    return TimeLine(width, arms, phases)


def _bins(groups: Sequence[Requests], zero: int, width_s: float) -> tuple[Bin, ...]:
    """Stretches in which nothing was due are not there."""
    due = np.concatenate([np.asarray(g.due_ns, np.int64) for g in groups])
    ttft = np.concatenate([np.asarray(g.metrics["ttft"], float) for g in groups])
    failed = ~np.concatenate([np.asarray(g.answered, bool) for g in groups])
    places = ((due - zero) / (width_s * _NS_PER_S)).astype(int)
    bins = []
    for place in np.unique(places).tolist():
        inside = places == place
        known = ttft[inside & ~np.isnan(ttft)]
        count = int(inside.sum())
        bins.append(
            Bin(
                start_s=place * width_s,
                requests=count,
                failed=int(failed[inside].sum()),
                ttft_p50=float(np.median(known)) if len(known) else None,
                per_s=count / width_s,
            )
        )
    return tuple(bins)
