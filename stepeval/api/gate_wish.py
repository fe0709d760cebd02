"""What a run is to decide, as the command line says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepeval.core.gate import Way


@dataclass(frozen=True, slots=True)
class GateWish:
    """``baseline`` is a name in ``folder``, a file or a stored run;
    ``metrics`` are names with their margins, None for the usual one.
    """

    way: Way
    metrics: Mapping[str, float | None]
    baseline: str | None = None
    folder: Path = Path("baselines")
    inconclusive: str | None = None
