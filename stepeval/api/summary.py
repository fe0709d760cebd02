"""What a run came to, in numbers: for the terminal and for scripts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.analysis.retries import reroll_warnings
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.steadiness import latency_fitness
from stepeval.analysis.stopped_arms import of_the_grid
from stepeval.analysis.wire_proof import Witness
from stepeval.core.record import Record, RunInfo
from stepeval.stats.estimate import Estimate
from stepeval.store.reader import RunState
from stepeval.store.run import RunReader

__all__ = ["ArmSummary", "Estimate", "RunSummary", "summarise", "summary_json"]

_MOST_FAILURES = 3
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class RunSummary:
    """``recorded`` of ``total`` cells have their final record; ``warnings`` are sentences.

    ``failures``: the commonest reasons why requests have no answer, with how many each.
    ``stopped``: why requests were left over, None where none were or nobody said. ``skipped`` were
    left out on purpose; ``confirming`` were asked beside the grid, at ``confirming_cost`` (None:
    not known).
    ``latency_unfit``: why no verdict may rest on the times, None where one may.
    """

    info: RunInfo
    recorded: int
    total: int
    arms: tuple[ArmSummary, ...]
    warnings: tuple[str, ...]
    failures: tuple[tuple[str, int], ...] = ()
    stopped: str | None = None
    skipped: int = 0
    confirming: int = 0
    confirming_cost: float | None = None
    latency_unfit: str | None = None


class _WitnessedRun(RunReader):
    """Shows its records to a witness as well, so that a run is read once for both."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.witness = Witness(self.suite())

    def records(self) -> Iterator[Record]:
        for record in super().records():
            self.witness.add(record)
            yield record


def summarise(path: Path) -> RunSummary:
    reader = _WitnessedRun(path)
    status = reader.status()
    failures: Counter[str] = Counter()
    info, suite = reader.info(), reader.suite()
    names = [arm.name for arm in suite.every_arm]
    every = leaderboard(_counting(sample_rows(reader), failures), names)
    arms = of_the_grid(every, suite, info, is_over=status.state is RunState.COMPLETE)
    asides = every[len(suite.arms) :]
    costs = [arm.cost_total for arm in asides if arm.cost_total is not None]
    return RunSummary(
        info=info,
        recorded=status.finals,
        total=status.cells,
        arms=arms,
        warnings=(*reader.witness.proof().warnings, *reroll_warnings(arms)),
        failures=tuple(failures.most_common(_MOST_FAILURES)),
        stopped=status.reason,
        skipped=status.skipped,
        confirming=sum(arm.cells for arm in asides),
        confirming_cost=sum(costs) if costs else None,
        latency_unfit=latency_fitness(reader.limit_changes(), reader.info()),
    )


def _counting(rows: Iterator[SampleRow], failures: Counter[str]) -> Iterator[SampleRow]:
    for row in rows:
        # Messages may each hold an id of their own: what is new is then no longer kept.
        reason = f"{row.failure}: {row.failure_message}"
        if row.failure is not None and (reason in failures or len(failures) < _MOST_KEPT):
            failures[reason] += 1
        yield row


def summary_json(summary: RunSummary) -> dict[str, Any]:
    return asdict(summary)
