"""What is promised, what was measured, and the reference it was measured beside."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """``limit`` is the promise: at most it, or with ``at_least`` no less than it.

    ``reference`` is what the same machine did, in the same run, with nothing of stepeval in it.
    """

    name: str
    measured: float
    limit: float
    unit: str
    reference: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def table(bars: Iterable[Bar]) -> str:
    """Markdown, so that it can be committed as it is printed."""
    head = ("bar", "measured", "promised", "met", "reference in the same run")
    rows = [head, ("---",) * len(head), *(_row(bar) for bar in bars)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(bar: Bar) -> tuple[str, ...]:
    promised = f"at {'least' if bar.at_least else 'most'} {bar.limit:,.2f} {bar.unit}"
    met = "yes" if bar.met else "**NO**"
    return bar.name, f"{bar.measured:,.2f} {bar.unit}", promised, met, bar.reference
