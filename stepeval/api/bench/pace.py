"""A load plan with what is needed to run it: how each load's requests are spread in time."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from stepeval.core.load import LoadPlan, Shape
from stepeval.execution import pacing
from stepeval.execution.pacing import ClosedLoop, Offsets, OpenLoop
from stepeval.execution.window import Bounds

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """``warm_requests`` or ``warm_s``; neither: as many requests as a closed loop has in flight,
    none of an open one. ``start``: where a ramp begins. ``trace``: a replay's arrivals, ns.
    ``search``: the loads between which the highest within the objectives is looked for.
    """

    plan: LoadPlan
    warm_requests: int | None = None
    warm_s: float | None = None
    start: float = 0.0
    trace: tuple[int, ...] = ()
    search: tuple[float, ...] = ()

    @property
    def is_closed(self) -> bool:
        return self.plan.shape is Shape.CLOSED

    def pacing(self, load: float, number: int, repeat: int) -> ClosedLoop | OpenLoop:
        """Each phase has a schedule of its own, the same one in every process."""
        if self.is_closed:
            return ClosedLoop(round(load))
        seed = f"{self.plan.seed}:{number}:{repeat}"
        return OpenLoop(partial(_OFFSETS[self.plan.shape], self, load, seed))

    def bounds(self, load: float) -> Bounds:
        plan = self.plan
        warm = self.warm_requests
        if warm is None and self.warm_s is None:
            warm = round(load) if self.is_closed else 0
        return Bounds(
            warm_requests=warm,
            warm_ns=None if self.warm_s is None else round(self.warm_s * _NS),
            requests=plan.requests,
            duration_ns=None if plan.duration_s is None else round(plan.duration_s * _NS),
        )

    def requests(self, load: float) -> int | None:
        """How many requests a phase of this load sends, about; None: only its end can tell."""
        if self.is_closed and (self.warm_s is not None or self.plan.requests is None):
            return None
        if self.plan.shape is Shape.REPLAY:
            return len(self.trace)
        mean = (self.start + load) / 2 if self.plan.shape is Shape.RAMP else load
        warm = self.bounds(load).warm_requests or round((self.warm_s or 0) * mean)
        measured = self.plan.requests
        return warm + (round((self.plan.duration_s or 0) * mean) if measured is None else measured)


def _ramp(pace: Pace, load: float, _: str) -> Offsets:
    duration_s = (pace.plan.duration_s or 0) + (pace.warm_s or 0)
    return pacing.ramp(pace.start, load, duration_s)


_OFFSETS: Mapping[Shape, Callable[[Pace, float, str], Offsets]] = {
    Shape.CONSTANT: lambda _, load, __: pacing.constant(load),
    Shape.POISSON: lambda _, load, seed: pacing.poisson(load, random.Random(seed)),
    Shape.GAMMA: lambda pace, load, seed: pacing.gamma(
        load, pace.plan.burstiness, random.Random(seed)
    ),
    Shape.RAMP: _ramp,
    Shape.REPLAY: lambda pace, load, _: pacing.replay(pace.trace, load),
}
