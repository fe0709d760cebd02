"""How far two arms lie apart on the same items."""

from dataclasses import dataclass

from stepeval.stats.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Difference:
    """``estimate``: of B - A, or of B / A where its method compares ratios.

    ``p``: two-sided, of "no difference" by ``test``; None where it cannot be told.
    """

    estimate: Estimate
    p: float | None
    test: str
