"""Comparisons in sentences. What is not shown is never called a difference."""

from collections.abc import Sequence

from stepeval.analysis.compare import Comparison, Kind, Row
from stepeval.analysis.needed import Needed
from stepeval.core.amounts import Money
from stepeval.stats.estimate import Estimate

_SAME = 0.05  # a ratio this near to 1 is about the same to a reader
_SMALL, _NEAR_ONE, _TIMES_DIGITS = 0.1, 1.5, 10
_SMALLEST_P, _ROUGH_P = 0.001, 0.1
_WORDS = {  # (more, less) of what B has more or less of
    "accuracy": ("better", "worse"),
    "score": ("better", "worse"),
    "lost": ("more lost", "fewer lost"),
    "cost": ("dearer", "cheaper"),
    "output_tokens": ("more", "fewer"),
    "reasoning_tokens": ("more", "fewer"),
    "ttft_ms": ("slower", "faster"),
    "e2e_ms": ("slower", "faster"),
    "e2e_p95_ms": ("slower", "faster"),
}
LABELS = {
    "accuracy": "right answers",
    "score": "mean score",
    "lost": "lost to thinking",
    "cost": "cost",
    "output_tokens": "output tokens",
    "reasoning_tokens": "reasoning tokens",
    "ttft_ms": "first token",
    "e2e_ms": "whole answer",
    "e2e_p95_ms": "whole answer, p95",
}


def sentence(comparison: Comparison) -> str:
    """``medium over low: +3.1 points (0.4 to 5.9), 2.4x the cost``, without its full stop."""
    names = f"{comparison.b.name} over {comparison.a.name}"
    quality = comparison.quality
    if quality is None:
        said = f"{names}: not judged"
    elif quality.difference.estimate.value is None:
        said = f"{names}: no item was judged in both"
    elif quality.is_shown:
        said = f"{names}: {points(quality.difference.estimate)}"
    else:
        said = f"{names}: no difference shown"
    cost = times_the_cost(comparison)
    said += f", {cost}" if cost else ""
    if quality is not None and not quality.is_shown and comparison.needed is not None:
        said += f", {more_items(comparison.needed)}"
    return said


def advice(comparisons: Sequence[Comparison]) -> str:
    """One sentence of all of them."""
    return "; ".join(map(sentence, comparisons)) + "."


def verdict(row: Row) -> str:
    """What is shown of B, in a word or two; why nothing is, where it could not be looked at."""
    found = row.difference.estimate
    if row.withheld is not None:
        return "decides nothing"
    if row.p_adjusted is None:
        return found.reason or "not known"
    more, less = _WORDS[row.metric.key]
    return (more if row.is_up else less) if row.is_shown else "no difference shown"


def points(found: Estimate) -> str:
    """``+3.1 points (0.4 to 5.9)``."""
    assert found.value is not None
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" ({100 * found.low:.1f} to {100 * found.high:.1f})"
    return f"{100 * found.value:+.1f} points{interval}"


def difference(row: Row) -> str:
    """``+3.1 points (0.4 to 5.9)``, ``2.4x (2.1 to 2.7)``, ``+310 (290 to 330)``."""
    found = row.difference.estimate
    if found.value is None:
        return "-"
    if row.metric.kind is Kind.POINTS:
        return points(found)
    is_ratio = row.metric.kind is Kind.RATIO
    form = _ratio_form(found.value) if is_ratio else ",.0f"
    said = times(found.value) if is_ratio else f"{found.value:+,.0f}"
    if found.low is None or found.high is None:
        return said
    return f"{said} ({found.low:{form}} to {found.high:{form}})"


def extra_cost(found: Estimate, currency: str | None) -> str:
    """Of one more right answer: ``0.0012 USD (0.0008 to 0.0021)``, or why there is none."""
    if found.value is None:
        return found.reason or "not known"
    low, high = found.low, found.high
    interval = " (no bound)"
    if low is not None and high is not None:
        interval = f" ({_amount(low)} to {_amount(high)})"
    elif low is not None:
        interval = f" (at least {_amount(low)}, or none gained)"
    return f"{Money(found.value, currency or '')}".rstrip() + interval


def _amount(value: float) -> str:
    return str(Money(value, "")).rstrip()


def chance(p: float | None) -> str:
    if p is None:
        return "-"
    return "<0.001" if p < _SMALLEST_P else f"{p:.3f}" if p < _ROUGH_P else f"{p:.2f}"


def times_the_cost(comparison: Comparison) -> str:
    """``2.4x the cost``, with its interval where it is not shown; empty where it is not known."""
    row = comparison.row("cost")
    if row is None or row.metric.kind is not Kind.RATIO:
        return ""
    ratio = row.difference.estimate
    if ratio.value is None:
        return ""
    if abs(ratio.value - 1) < _SAME:
        return "about the same cost"
    said = f"{times(ratio.value)} the cost"
    if row.is_shown:
        return said
    if ratio.low is None or ratio.high is None:  # of one item, or the same of all
        return f"{said} (no interval)" if ratio.n == 1 else said
    form = _ratio_form(ratio.value)
    return f"{said} ({ratio.low:{form}} to {ratio.high:{form}})"


def times(ratio: float) -> str:
    """``0.43x``, ``1.02x``, ``2.4x``, ``24x``."""
    return f"{ratio:{_ratio_form(ratio)}}x"


def _ratio_form(ratio: float) -> str:
    """Two digits that count, and hundredths near 1, where they tell more from less."""
    if ratio < _SMALL:
        return ".2g"
    return ".2f" if ratio < _NEAR_ONE else ".1f" if ratio < _TIMES_DIGITS else ",.0f"


def more_items(needed: Needed) -> str:
    """``410 more items would show 2 points``."""
    shown = size(needed.target)
    if needed.more:
        return f"{needed.more:,} more item{'' if needed.more == 1 else 's'} would show {shown}"
    return f"though {needed.have:,} items are enough to show {shown}"


def size(points: float) -> str:
    """``2 points``, of a share."""
    said = f"{100 * points:g}"
    return f"{said} point{'' if said == '1' else 's'}"


def family(comparisons: Sequence[Comparison]) -> str:
    """Which p values were adjusted together, and how."""
    rows = [row for comparison in comparisons for row in comparison.rows]
    looked = [row for row in rows if row.p_adjusted is not None]
    verdicts = sum(row.family.value == "verdict" for row in looked)
    others = len(looked) - verdicts
    parts = []
    if verdicts:
        parts.append(f"quality: {_count(verdicts, 'comparison')}, adjusted by Holm")
    if others:
        parts.append(f"the rest: {_count(others, 'comparison')}, by Benjamini and Hochberg")
    return "; ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
