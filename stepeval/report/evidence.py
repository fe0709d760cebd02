"""What every part of the page draws on, read from the run once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.analysis.rows import SampleRow, sample_rows
from stepeval.analysis.steadiness import latency_fitness
from stepeval.analysis.stopped_arms import of_the_grid
from stepeval.analysis.stopping import has_ended
from stepeval.core.ports import RecordReader
from stepeval.core.pricing import price_for
from stepeval.core.record import RunInfo
from stepeval.core.task import Price, Suite
from stepeval.report import palette

_NS_PER_S = 1e9
_MANY_PARTLY = 0.25
# Without a rule the only answers that count are the lost ones, and they are no accuracy of 0.
_UNJUDGED: Mapping[str, Any] = {"value": None, "low": None, "high": None, "n": 0}


class Estimate(Protocol):
    """A number with its interval; the value is None where ``reason`` says why."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def n(self) -> int: ...
    @property
    def reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """``arms`` are in the suite's order; ``rows`` without their texts, which fill no memory here.

    ``partly_right``: the share of judged answers that are neither right nor wrong. ``took_s``:
    from the first attempt's start to the last one's end, pauses between resumed parts included.
    ``prices`` are by arm; None: not known. ``stopped``: why it left requests over, if one knows.
    ``decided``: it needed no more of them. What only confirms a gate's finding is not among all
    this.
    ``unfit``: why nothing may be concluded from its times; None where something may.
    """

    info: RunInfo
    suite: Suite
    rows: Sequence[SampleRow]
    arms: Sequence[ArmSummary]
    recorded: int
    partly_right: float
    took_s: float | None
    prices: Mapping[str, Price | None]
    stopped: str | None = None
    decided: bool = False
    unfit: str | None = None

    @property
    def is_complete(self) -> bool:
        return self.decided or self.recorded >= self.suite.cell_count

    @property
    def graded(self) -> bool:
        """So many answers are partly right that their mean says more than the share of right."""
        return self.partly_right >= _MANY_PARTLY

    @property
    def quality_name(self) -> str:
        return "mean score" if self.graded else "right answers"

    def quality(self, arm: ArmSummary) -> Estimate:
        return self.mean_score(arm) if self.graded else self.accuracy(arm)

    def accuracy(self, arm: ArmSummary) -> Estimate:
        return arm.accuracy if self.suite.scoring else replace(arm.accuracy, **_UNJUDGED)

    def mean_score(self, arm: ArmSummary) -> Estimate:
        return arm.score if self.suite.scoring else replace(arm.score, **_UNJUDGED)

    def series(self, arm: str) -> int:
        """The arm's place in the suite, which chooses its colour all over the page."""
        return next((i for i, known in enumerate(self.arms) if known.arm == arm), 0)

    def colour(self, arm: str) -> str:
        return palette.series_name(self.series(arm))

    def best_first(self) -> list[ArmSummary]:
        """Arms with a quality, best first; then those without, in the suite's order."""
        return sorted(
            self.arms, key=lambda arm: -(-1.0 if (q := self.quality(arm).value) is None else q)
        )


def gather_evidence(reader: RecordReader, stopped: str | None = None) -> Evidence:
    info, suite = reader.info(), reader.suite()
    asides = {arm.name for arm in suite.asides}
    rows = [
        replace(row, text=None, reasoning=None)
        for row in sample_rows(reader)
        if row.arm not in asides
    ]
    decided = info.may_stop and has_ended(reader)
    every = leaderboard(rows, [arm.name for arm in suite.arms])
    arms = of_the_grid(every, suite, info, is_over=decided)
    return Evidence(
        info=info,
        suite=suite,
        rows=rows,
        arms=arms,
        recorded=len({row.cell_id for row in rows}),
        partly_right=_partly_right(rows),
        took_s=_took(reader),
        prices={arm.name: price_for(arm, suite, info.asked_as) for arm in suite.arms},
        stopped=stopped,
        decided=decided,
        unfit=latency_fitness(reader.limit_changes(), info),
    )


def _partly_right(rows: Sequence[SampleRow]) -> float:
    scores = [row.score for row in rows if row.score is not None]
    return sum(0 < score < 1 for score in scores) / len(scores) if scores else 0.0


def _took(reader: RecordReader) -> float | None:
    start = end = None
    for record in reader.records():
        for attempt in record.attempts:
            over = attempt.started_at + (attempt.ended_ns - attempt.started_ns) / _NS_PER_S
            start = attempt.started_at if start is None else min(start, attempt.started_at)
            end = over if end is None else max(end, over)
    return None if start is None or end is None else end - start


def cost_per_request(arm: ArmSummary) -> float | None:
    """When it was sent: an arm is no cheaper for having its answers in a cache."""
    if arm.cost_original is None or not arm.cost_cells:
        return None
    return arm.cost_original / arm.cost_cells
