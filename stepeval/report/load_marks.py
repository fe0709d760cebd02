"""What rests on tokens that this client counted is marked as that, wherever it is shown."""

from collections.abc import Iterable
from dataclasses import replace

from stepeval.analysis.load_values import Figures, LoadSummary
from stepeval.core.load import LoadPlan
from stepeval.report import wording
from stepeval.report.view import TableCell

MARK = "~"
_MEANS = f"{MARK} rests on tokens that this client counted, not the server"
_PACES = frozenset({"tpot", "reasoning_tpot", "answer_tpot"})


def rests_on(metric: str) -> bool:
    """Whether a metric, by its name in :class:`Figures`, rests on counts of tokens."""
    return metric in _PACES


def marked(cell: TableCell, found: Figures) -> TableCell:
    """A figure that rests on counts of tokens."""
    return (
        replace(cell, text=f"{MARK}{cell.text}") if found.counted.here and not cell.faint else cell
    )


def meaning(cells: Iterable[Figures]) -> str:
    """Of the mark, to be read beside these figures; empty where none has it."""
    return _MEANS if any(map(_has_own, cells)) else ""


def about_tokens(summary: LoadSummary, plan: LoadPlan) -> str:
    """Sentences on a run with a vocabulary: what rests on it."""
    if plan.vocabulary is None:
        return ""
    if not any(_has_own(cell.pooled) for cell in summary.cells):
        return f"No figure rests on {plan.vocabulary}."
    here = sum(cell.pooled.lengths["output"].here for cell in summary.cells)
    total = sum(cell.pooled.answered for cell in summary.cells)
    some = "any answer" if here == total else f"{here:,} of {wording.plural(total, 'answer')}"
    return (
        f"The server did not tell the tokens of {some}: this client counted them with "
        f"{plan.vocabulary}. When each of them came is estimated, by the characters in each chunk. "
        f"What rests on that is marked {MARK}."
    )


def _has_own(found: Figures) -> bool:
    return bool(found.counted.here) or any(one.here for one in found.lengths.values())
