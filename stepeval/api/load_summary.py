"""What a stored load benchmark came to, for the terminal and for scripts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepeval.store.run import RunReader

if TYPE_CHECKING:
    from stepeval.analysis.load_values import (
        ArmLoad,
        Certificate,
        Curve,
        Figures,
        Holding,
        Length,
        LoadSummary,
        Spread,
    )
    from stepeval.stats.estimate import Estimate

    __all__ = [
        "ArmLoad",
        "Certificate",
        "Curve",
        "Estimate",
        "Figures",
        "Holding",
        "Length",
        "LoadSummary",
        "Spread",
    ]

# numpy waits until there is a load to summarise: an evaluation is shown without it.


def is_load(path: Path) -> bool:
    """Whether this run is a load benchmark. Raises StoreError: no run is stored here."""
    return RunReader(path).info().load is not None


def load_summary(path: Path) -> "LoadSummary":
    """Raises StoreError: the run cannot be read."""
    from stepeval.analysis.load import load_of  # noqa: PLC0415

    return load_of(RunReader(path))


def load_json(summary: "LoadSummary") -> dict[str, Any]:
    """Dicts, lists and numbers; None where something is not known."""
    from stepeval.analysis.load import summary_json  # noqa: PLC0415

    return summary_json(summary)


def load_headline(summary: "LoadSummary") -> str | None:
    """What was held, and how the client fared; None where nothing was measured."""
    from stepeval.analysis.load_words import client_state, headline  # noqa: PLC0415

    plan = summary.info.load
    if plan is None or not summary.cells:
        return None
    requests = sum(cell.pooled.attempted for cell in summary.cells)
    state = client_state(summary, plan.shape)
    return headline(summary, plan) or f"Measured {requests:,} requests; {state}"
