"""Reasoning tiers: what each step up gains, costs and takes."""

from collections.abc import Sequence

from stepeval.analysis import compare_words as words
from stepeval.analysis.tiers import Ladder, TierStep
from stepeval.report import wording
from stepeval.report.differences import difference_cell
from stepeval.report.evidence import Estimate
from stepeval.report.text import shorten
from stepeval.report.view import Column, Table, TableCell, TiersView

_NOTE = (
    "Steps are paired item by item: geometric means of an item's cost and time, one over the "
    "other. Intervals are 95%."
)


def tiers_view(ladders: Sequence[Ladder]) -> TiersView | None:
    """None where no two arms differ in reasoning_effort alone."""
    if not ladders:
        return None
    advice = tuple(words.advice([step.comparison for step in one.steps]) for one in ladders)
    tables = tuple(_table(one, len(ladders) > 1) for one in ladders)
    return TiersView(advice, tables, _NOTE)


def _table(one: Ladder, several: bool) -> Table:
    columns = (
        Column("Step", numeric=False),
        Column("Quality", help="points gained"),
        Column("Cost"),
        Column("Whole answer", help="time to the last token"),
        Column(
            "Per extra correct",
            help="what one more correct answer costs; no upper bound: it may gain none",
        ),
        Column("Lost to thinking", help="answers that ended at the length limit, without a text"),
        Column("On the front", help="share of resamples in which no tier is cheaper and better"),
    )
    arm = one.steps[0].comparison.a.arm
    caption = f"{arm.model}, {arm.prompt}" if several else "Each tier over the one below"
    return Table(shorten(caption, 80), columns, tuple(_row(step, one) for step in one.steps))


def _row(step: TierStep, one: Ladder) -> tuple[TableCell, ...]:
    comparison = step.comparison
    a, b = comparison.a.name, comparison.b.name
    lost, share = comparison.row("lost"), one.on_front.get(b)
    return (
        TableCell(f"{shorten(b, 40)} over {shorten(a, 40)}"),
        difference_cell(comparison.quality),
        difference_cell(comparison.row("cost")),
        difference_cell(comparison.row("e2e_ms")),
        _price_cell(step.extra_cost, comparison.a.values.currency),
        TableCell("none", faint=True) if lost is None else difference_cell(lost),
        TableCell("unknown", faint=True) if share is None else TableCell(f"{100 * share:.0f}%"),
    )


def _price_cell(found: Estimate, currency: str | None) -> TableCell:
    if found.value is None:
        return TableCell(found.reason or "unknown", faint=True)
    low, high = found.low, found.high
    note = found.reason or ""
    if low is not None and high is not None:
        note = wording.span(wording.money(low, currency), wording.money(high, currency))
    elif low is not None:
        note = f"at least {wording.money(low, currency)}, or none gained"
    return TableCell(wording.money(found.value, currency), note)
