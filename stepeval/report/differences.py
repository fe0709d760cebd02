"""Paired differences as a table and as forest plots."""

from collections.abc import Iterator, Sequence

from stepeval.analysis import compare_words as words
from stepeval.analysis.compare import Comparison, Kind, Row
from stepeval.report import palette, wording
from stepeval.report.canvas import ChartText
from stepeval.report.charts import Span
from stepeval.report.comparison_view import Part
from stepeval.report.forest import Whisker, forest
from stepeval.report.text import shorten
from stepeval.report.view import Chart, Column, Key, Table, TableCell

_MOST_WHISKERS = 60  # more are no picture


def part(comparison: Comparison) -> Part:
    """Every metric of one pair of arms."""
    a, b = comparison.a.name, comparison.b.name
    columns = (
        Column("Metric", numeric=False),
        Column("n", help="items with a value on both sides; clusters where items have one"),
        Column(shorten(a, 40)),
        Column(shorten(b, 40)),
        Column("Difference", help="with its 95% interval; 2.0x is twice as much"),
        Column("p", help="two-sided, adjusted for the other comparisons of its family"),
        Column(f"{shorten(b, 40)} is", numeric=False),
    )
    currencies = (comparison.a.values.currency, comparison.b.values.currency)
    rows = tuple(_row(row, *currencies) for row in comparison.rows)
    return Part(Table(f"{b} over {a}", columns, rows), tuple(_notes(comparison)))


def charts(comparisons: Sequence[Comparison]) -> Iterator[Chart]:
    """Quality in points, everything else as ratios: a forest each, where there is anything."""
    for chart_id, title, label, kind in (
        ("points", "Quality", "points more than the other arm", Kind.POINTS),
        ("ratios", "Cost, tokens and time", "times as much as the other arm", Kind.RATIO),
    ):
        drawn = [
            (comparison, place, row)
            for place, comparison in enumerate(comparisons)
            for row in comparison.rows
            if row.metric.kind is kind
            and row.difference.estimate.value is not None
            and row.withheld is None
        ][:_MOST_WHISKERS]
        if drawn:
            yield _chart(chart_id, title, label, drawn, is_ratio=kind is Kind.RATIO)


def value(row: Row, amount: float | None, currency: str | None) -> str:
    if amount is None:
        return "unknown"
    if row.metric.kind is Kind.POINTS:
        return wording.percent(amount)
    if row.metric.key == "cost":
        return wording.money(amount, currency)
    return wording.milliseconds(amount) if row.metric.is_latency else wording.count(amount)


def difference_cell(row: Row | None) -> TableCell:
    if row is None or row.difference.estimate.value is None:
        return TableCell("unknown", faint=True)
    if row.withheld is not None:
        return TableCell("decides nothing", words.difference(row), faint=True)
    said, _, interval = words.difference(row).partition(" (")
    return TableCell(said, interval.rstrip(")"), faint=not row.is_shown)


def _row(row: Row, a: str | None, b: str | None) -> tuple[TableCell, ...]:
    """``a`` and ``b`` are the sides' currencies."""
    said = words.verdict(row)
    return (
        TableCell(words.LABELS[row.metric.key].capitalize()),
        TableCell(wording.count(row.difference.estimate.n)),
        TableCell(value(row, row.a, a)),
        TableCell(value(row, row.b, b)),
        difference_cell(row),
        TableCell(words.chance(row.p_adjusted)),
        TableCell(said, faint=not row.is_shown),
    )


def _notes(comparison: Comparison) -> Iterator[str]:
    pairs = comparison.pairs
    asked = f", {len(pairs.keys):,} answers each" if pairs.is_repeated else ""
    yield f"{wording.plural(pairs.items, 'item')} in both{asked}."
    if comparison.settings:
        yield f"{shorten('; '.join(comparison.settings), 400)}."


def _chart(
    chart_id: str,
    title: str,
    label: str,
    drawn: Sequence[tuple[Comparison, int, Row]],
    *,
    is_ratio: bool,
) -> Chart:
    whiskers = []
    for comparison, place, row in drawn:
        found = row.difference.estimate
        assert found.value is not None
        several = len({at for _, at, _ in drawn}) > 1
        what = words.LABELS[row.metric.key]
        name = f"{comparison.b.name}: {what}" if several else what
        span = Span(found.value, found.low, found.high)
        whiskers.append(Whisker(name, place, span, row.is_shown))
    said = "A filled mark is a difference that is shown, a hollow one is not."
    text = ChartText(chart_id, title, f"Differences with 95% intervals, {label}.")
    columns = (Column("Compared", numeric=False), Column("Metric", numeric=False), Column(label))
    rows = tuple(
        (
            TableCell(_names(comparison)),
            TableCell(words.LABELS[row.metric.key]),
            difference_cell(row),
        )
        for comparison, _, row in drawn
    )
    keys = {place: _names(comparison) for comparison, place, _ in drawn}
    legend = tuple(Key(name, palette.series_name(place)) for place, name in keys.items())
    return Chart(
        text.id,
        title,
        said,
        forest(whiskers, label, text, ratio=is_ratio),
        Table(title, columns, rows),
        legend if len(legend) > 1 else (),
    )


def _names(comparison: Comparison) -> str:
    return f"{comparison.b.name} over {comparison.a.name}"
