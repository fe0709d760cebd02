"""A benchmark's course: what was due in each stretch of time, and how it fared."""

from collections.abc import Iterator

import numpy as np

from stepeval.analysis.load_figures import per_second
from stepeval.analysis.load_requests import Measured, Requests
from stepeval.analysis.load_values import Bin, TimeLine

_BINS = 80
_NS_PER_S = 1e9


def time_line(measured: Measured) -> TimeLine:
    """Each phase, warm-up included, in bins of its own of equal width: about 80 in all."""
    if not measured.phases:
        return TimeLine({}, ())
    zero = min(phase.begin_ns for phase in measured.phases)
    whole_s = sum(phase.end_ns - phase.begin_ns for phase in measured.phases) / _NS_PER_S
    arms = {
        arm: tuple(
            one
            for group in measured.groups
            if group.arm == arm and group.due_ns
            for one in _bins(group, zero, whole_s / _BINS)
        )
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
    return TimeLine(arms, phases)


def _bins(group: Requests, zero: int, about_s: float) -> Iterator[Bin]:
    begin, length = group.phase.begin_ns, group.phase.end_ns - group.phase.begin_ns
    count = max(1, round(length / _NS_PER_S / about_s))
    width_s = length / _NS_PER_S / count
    due = np.asarray(group.due_ns, np.int64)
    places = np.minimum((due - begin) * count // length, count - 1)
    ttft = np.asarray(group.metrics["ttft"], float)
    answered = np.asarray(group.answered, bool)
    for place in range(count):
        inside = places == place
        known = ttft[inside & ~np.isnan(ttft)]
        requests = int(inside.sum())
        yield Bin(
            start_s=(begin - zero) / _NS_PER_S + place * width_s,
            width_s=width_s,
            requests=requests,
            failed=int((inside & ~answered).sum()),
            ttft_p50=float(np.median(known)) if len(known) else None,
            per_s=per_second(requests, width_s),
        )
