"""What a run came to, in numbers: for the terminal and for scripts."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.wire_proof import wire_proof
from stepeval.core.record import RunInfo
from stepeval.stats.estimate import Estimate
from stepeval.store.run import RunReader

__all__ = ["ArmSummary", "Estimate", "RunSummary", "summarise", "summary_json"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """``recorded`` of ``total`` cells have their final record; ``warnings`` are sentences."""

    info: RunInfo
    recorded: int
    total: int
    arms: tuple[ArmSummary, ...]
    warnings: tuple[str, ...]


def summarise(path: Path) -> RunSummary:
    reader = RunReader(path)
    status = reader.status()
    return RunSummary(
        info=reader.info(),
        recorded=status.finals,
        total=status.cells,
        arms=leaderboard(sample_rows(reader), [arm.name for arm in reader.suite().arms]),
        warnings=wire_proof(reader).warnings,
    )


def summary_json(summary: RunSummary) -> dict[str, Any]:
    return asdict(summary)
