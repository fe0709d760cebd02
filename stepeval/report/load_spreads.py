"""How a load benchmark's times are spread at one load, each chart with the same in numbers."""

from collections.abc import Iterator, Sequence

import numpy as np

from stepeval.analysis.load import groups_of, load_label
from stepeval.analysis.load_figures import metric
from stepeval.analysis.load_values import ArmLoad
from stepeval.report import charts, palette, wording
from stepeval.report.canvas import ChartText
from stepeval.report.charts import Curve
from stepeval.report.load_bench import Bench, keys
from stepeval.report.load_marks import marked, meaning, rests_on
from stepeval.report.load_tables import gaps_table, stage_cell
from stepeval.report.view import Chart, Column, Table, TableCell

_SECOND_MS = 1000.0
_MOST_CURVES = 8
_SHORT_MS = 200.0  # medians below are drawn in milliseconds


def distributions(bench: Bench, load: float) -> Iterator[Chart]:
    """At one load, a curve an arm; of a single arm a curve for each load."""
    shown = _shown_cells(bench, load)
    for name, title, unit in (
        ("ttft", "Time to the first token", "to the first token"),
        ("tpot", "Time per output token", "per output token after the first chunk"),
        ("e2e", "Time to the whole answer", "to the whole answer"),
        ("stall", "Stalls", "of the longest gap between chunks"),
    ):
        curves, scale, label = _curves(bench, shown, name)
        if not curves:
            continue
        limit = bench.limit(name)
        caption = "The share of answered requests that took at most so long."
        if name == "stall":
            caption = "The share of answered requests that never stood still for longer."
        if rests_on(name):
            caption = " ".join(filter(None, (caption, _about_counts(shown))))
        text = ChartText(f"dist{name}", title, f"Share of requests against {label} {unit}.")
        yield Chart(
            f"dist{name}",
            title,
            caption,
            charts.ecdf(
                curves, f"{label} {unit}", text, limit=None if limit is None else limit / scale
            ),
            _spread_table(shown, name, title),
            keys([(curve.name, curve.series) for curve in curves]),
        )
    yield from _gap_chart(bench, shown)


def _about_counts(shown: Sequence[tuple[str, int, ArmLoad]]) -> str:
    """By whom the tokens of the curves were counted, if not by the server alone."""
    here = [label for label, _, cell in shown if cell.pooled.counted.here]
    if not here:
        return ""
    whose = "" if len(here) == len(shown) else f" of {', '.join(here)}"
    both = any(cell.pooled.counted.here and cell.pooled.counted.provider for _, _, cell in shown)
    mixed = ", and in part the server" if both else ""
    return f"An estimate: this client counted the tokens{whose}{mixed}."


def _curves(
    bench: Bench, shown: Sequence[tuple[str, int, ArmLoad]], name: str
) -> tuple[list[Curve], float, str]:
    """With how many milliseconds the axis's unit has, and its name."""
    found = [
        (label, series, metric(groups_of(bench.measured, cell.arm, cell.load), name))
        for label, series, cell in shown
    ]
    found = [one for one in found if len(one[2])]
    longest = max((float(np.median(values)) for _, _, values in found), default=0.0)
    scale = 1.0 if longest < _SHORT_MS else _SECOND_MS
    curves = [Curve(label, series, (values / scale).tolist()) for label, series, values in found]
    return curves, scale, "milliseconds" if scale == 1.0 else "seconds"


def _shown_cells(bench: Bench, load: float) -> list[tuple[str, int, ArmLoad]]:
    """Each with the name and the place in the palette that its curve has."""
    cells = bench.summary.cells
    if len({cell.arm for cell in cells}) > 1:
        here = [cell for cell in cells if cell.load == load][:_MOST_CURVES]
        return [(cell.arm, bench.evidence.series(cell.arm), cell) for cell in here]
    every = 1 + (len(cells) - 1) // _MOST_CURVES
    some = cells[::-1][::every][::-1]
    return [(load_label(c.load, bench.plan.shape), n, c) for n, c in enumerate(some)]


def _gap_chart(bench: Bench, shown: Sequence[tuple[str, int, ArmLoad]]) -> Iterator[Chart]:
    curves = []
    for label, series, cell in shown:
        groups = groups_of(bench.measured, cell.arm, cell.load)
        raw = np.concatenate([np.asarray(g.gaps_ms, float) for g in groups])
        alone = raw[~np.concatenate([np.asarray(g.shared, bool) for g in groups])]
        if len(alone):
            curves.append(Curve(label, series, alone.tolist()))
    if not curves:
        return
    title = "Gaps between chunks"
    text = ChartText("gaps", title, "Share of gaps against their length, on a logarithmic axis.")
    heads = [
        (TableCell(label, colour=palette.series_name(series)), cell)
        for label, series, cell in shown
    ]
    yield Chart(
        "gaps",
        title,
        "Raw gaps between chunks with tokens, without those whose ends shared a read.",
        charts.ecdf(curves, "milliseconds between chunks", text, y_label="share of gaps", log=True),
        gaps_table(heads, title),
        keys([(curve.name, curve.series) for curve in curves]),
    )


def _spread_table(shown: Sequence[tuple[str, int, ArmLoad]], name: str, title: str) -> Table:
    rows = []
    for label, series, cell in shown:
        found = cell.pooled.metrics[name]
        last = TableCell(wording.milliseconds(found.longest), faint=found.longest is None)
        rows.append(
            (
                TableCell(label, colour=palette.series_name(series)),
                TableCell(wording.count(found.n)),
                *(
                    stage_cell(name, one, cell.pooled)
                    for one in (found.p50, found.p90, found.p95, found.p99)
                ),
                marked(last, cell.pooled) if rests_on(name) else last,
            )
        )
    names = ("n", "p50", "p90", "p95", "p99", "Longest")
    told = meaning(cell.pooled for _, _, cell in shown) if rests_on(name) else ""
    columns = (Column(n, help=told if n == "p50" else "") for n in names)
    return Table(title, (Column("Curve", numeric=False), *columns), tuple(rows))
