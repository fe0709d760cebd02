"""A load benchmark as its charts and tables draw on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from stepeval.analysis.load_requests import Measured
from stepeval.analysis.load_values import LoadSummary
from stepeval.core.load import LoadPlan, Shape
from stepeval.report import palette
from stepeval.report.evidence import Evidence
from stepeval.report.figures import dash
from stepeval.report.view import Key


@dataclass(frozen=True, slots=True)
class Bench:
    """All that the charts of one run draw on."""

    measured: Measured
    summary: LoadSummary
    plan: LoadPlan
    evidence: Evidence

    def limit(self, name: str) -> float | None:
        """The tightest objective of a metric, in milliseconds."""
        limits = [one.limit_ms for one in self.plan.objectives if one.metric == name]
        return min(limits, default=None)

    def load_axis(self) -> str:
        if self.plan.shape is Shape.CLOSED:
            return "requests in flight"
        return "times as fast" if self.plan.shape is Shape.REPLAY else "requests due per second"

    def legend(self) -> tuple[Key, ...]:
        return keys([(arm, self.evidence.series(arm)) for arm in self.summary.arms])


def keys(curves: Sequence[tuple[str, int]]) -> tuple[Key, ...]:
    """A legend of lines, each a name and its place in the palette; of one line none."""
    if len(curves) == 1:
        return ()
    return tuple(Key(name, palette.series_name(n), dash(n)) for name, n in curves)
