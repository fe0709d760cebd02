"""A load benchmark against the load and over time, each chart with the same in numbers."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import groupby

from stepeval.analysis.load import load_label
from stepeval.analysis.load_values import Bin
from stepeval.core.load import Shape
from stepeval.report import load_charts, wording
from stepeval.report.canvas import ChartText
from stepeval.report.charts import Span
from stepeval.report.evidence import Estimate
from stepeval.report.load_bench import Bench
from stepeval.report.load_charts import Course, Stretch, Trail
from stepeval.report.tables import time_cell
from stepeval.report.view import Chart, Column, Table, TableCell

_SECOND_MS = 1000.0


def against_load(bench: Bench) -> Iterator[Chart]:
    """Nothing with a single load: a point is no curve."""
    loads = sorted({cell.load for cell in bench.summary.cells})
    if len(loads) < 2:  # noqa: PLR2004 -- see above
        return
    answer = ("response", "Response time") if bench.plan.shape is not Shape.CLOSED else (
        "e2e", "Time to the whole answer"
    )  # fmt: skip
    for name, title in (("ttft", "Time to the first token"), answer):
        trails = [_trail(bench, arm, name) for arm in bench.summary.arms]
        trails = [trail for trail in trails if any(trail.middle)]
        if not trails:
            continue
        limit = bench.limit(name)
        text = ChartText(f"load-{name}", f"{title} against load", f"{title}, median and p95.")
        caption = (
            "Thick: the median, thin: p95, each with its 95% interval. The ring marks the knee, "
            "where more load begins to cost more time than it brings answers."
        )
        yield Chart(
            f"load{name}",
            f"{title} against load",
            caption,
            load_charts.against_load(
                trails,
                (bench.load_axis(), "seconds"),
                ChartText(f"load{name}", text.title, text.description),
                None if limit is None else limit / _SECOND_MS,
            ),
            _percentile_table(bench, name, title),
            bench.legend(),
        )
    if any(cell.pooled.done_rate is not None for cell in bench.summary.cells):
        yield _throughput(bench)


def _trail(bench: Bench, arm: str, name: str) -> Trail:
    cells = sorted((c for c in bench.summary.cells if c.arm == arm), key=lambda c: c.load)
    loads = [cell.load for cell in cells]
    knee = next((c.knee for c in bench.summary.curves if c.arm == arm), None)
    spreads = [cell.pooled.metrics[name] for cell in cells]
    return Trail(
        arm,
        bench.evidence.series(arm),
        loads,
        [_seconds(found.p50) for found in spreads],
        [_seconds(found.p95) for found in spreads],
        None if knee is None else loads.index(knee),
    )


def _seconds(found: Estimate) -> Span | None:
    if found.value is None:
        return None
    ends = (None if end is None else end / _SECOND_MS for end in (found.low, found.high))
    return Span(found.value / _SECOND_MS, *ends)


def _throughput(bench: Bench) -> Chart:
    title = "Answers per second against load"
    trails = []
    for arm in bench.summary.arms:
        cells = sorted((c for c in bench.summary.cells if c.arm == arm), key=lambda c: c.load)
        knee = next((c.knee for c in bench.summary.curves if c.arm == arm), None)
        loads = [cell.load for cell in cells]
        rates = [_span(cell.pooled.done_rate) for cell in cells]
        place = None if knee is None else loads.index(knee)
        if any(rates):
            trails.append(Trail(arm, bench.evidence.series(arm), loads, rates, knee=place))
    columns = (Column("Arm", numeric=False), Column("Load"), Column("Answered/s"), Column("Good/s"))
    rows = tuple(
        (
            TableCell(cell.arm, colour=bench.evidence.colour(cell.arm)),
            TableCell(load_label(cell.load, bench.plan.shape)),
            _rate_cell(cell.pooled.done_rate),
            _rate_cell(cell.pooled.good_per_s),
        )
        for cell in bench.summary.cells
    )
    return Chart(
        "loadrate",
        title,
        "Where the line flattens, the server has no more to give.",
        load_charts.against_load(
            trails,
            (bench.load_axis(), "answers per second"),
            ChartText("loadrate", title, "Answered requests per second against the load."),
        ),
        Table(title, columns, rows),
        bench.legend(),
    )


def over_time(bench: Bench) -> Iterator[Chart]:
    line = bench.summary.timeline
    if not line.phases or not any(line.arms.values()):
        return
    stretches = [Stretch(b, s, e, f"{load:,.4g}") for b, s, e, load in line.phases]
    for chart_id, title, label, read in (
        ("timettft", "Time to the first token over time", "median seconds", _bin_ttft),
        ("timerate", "Requests over time", "requests due per second", _bin_rate),
    ):
        courses = [_course(bench, arm, read) for arm in bench.summary.arms]
        if not any(
            value is not None for course in courses for piece in course.pieces for _, value in piece
        ):
            continue
        text = ChartText(chart_id, title, f"{label.capitalize()} over the run, a line per arm.")
        yield Chart(
            chart_id,
            title,
            "By when requests were due. Shaded: warm-up. A cross: a request failed. "
            f"Above: the load ({bench.load_axis()}).",
            load_charts.over_time(courses, stretches, label, text),
            _time_table(bench, title),
            bench.legend(),
        )


def _bin_ttft(one: Bin) -> float | None:
    return None if one.ttft_p50 is None else one.ttft_p50 / _SECOND_MS


def _bin_rate(one: Bin) -> float | None:
    return one.per_s


def _course(bench: Bench, arm: str, read: Callable[[Bin], float | None]) -> Course:
    line = bench.summary.timeline
    bins = line.arms.get(arm, ())
    middles = [one.start_s + one.width_s / 2 for one in bins]
    failed = [at for at, one in zip(middles, bins, strict=True) if one.failed]
    begins = [begin for begin, *_ in line.phases]
    pieces = [
        tuple((at, read(one)) for at, one in piece)
        for _, piece in groupby(
            zip(middles, bins, strict=True), key=lambda pair: bisect_right(begins, pair[0])
        )
    ]
    return Course(arm, bench.evidence.series(arm), pieces, failed)


def _time_table(bench: Bench, title: str) -> Table:
    line = bench.summary.timeline
    names = ("From", "Requests", "Failed", "TTFT p50")
    rows = tuple(
        (
            TableCell(arm, colour=bench.evidence.colour(arm)),
            TableCell(f"{one.start_s:,.4g} s"),
            TableCell(wording.count(one.requests)),
            TableCell(wording.count(one.failed)),
            TableCell(wording.milliseconds(one.ttft_p50), faint=one.ttft_p50 is None),
        )
        for arm, bins in line.arms.items()
        for one in bins
    )
    return Table(title, (Column("Arm", numeric=False), *map(Column, names)), rows)


def _percentile_table(bench: Bench, name: str, title: str) -> Table:
    names = ("Load", "p50", "p90", "p95", "p99")
    rows = []
    for cell in bench.summary.cells:
        found = cell.pooled.metrics[name]
        rows.append(
            (
                TableCell(cell.arm, colour=bench.evidence.colour(cell.arm)),
                TableCell(load_label(cell.load, bench.plan.shape)),
                *(time_cell(one) for one in (found.p50, found.p90, found.p95, found.p99)),
            )
        )
    return Table(title, (Column("Arm", numeric=False), *map(Column, names)), tuple(rows))


def _span(value: float | None) -> Span | None:
    return None if value is None else Span(value)


def _rate_cell(value: float | None) -> TableCell:
    return TableCell("unknown" if value is None else wording.rate(value), faint=value is None)
