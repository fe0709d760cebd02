"""Which charts a run calls for, each with its words and the same in numbers."""

from collections.abc import Iterator, Sequence

from stepeval.analysis.leaderboard import ArmSummary
from stepeval.core.record import Mode
from stepeval.report import charts, palette, wording
from stepeval.report.canvas import ChartText
from stepeval.report.charts import Curve, Point, Span, Stack
from stepeval.report.evidence import Estimate, Evidence, cost_per_request
from stepeval.report.tables import arm_cell, share_cell
from stepeval.report.view import Chart, Column, Key, Table, TableCell

_ARM = Column("Arm", numeric=False)
_SECOND_MS = 1000.0
_THOUSAND = 1000
_PARTS = ("reasoning", "answer", "other")
_ROUNDING = 0.01  # tokens; a mean's last bits are no part of a bar
_PART_COLOURS = (3, 4, 6)  # places in the palette; the arms' names stand beside their bars


def figures(evidence: Evidence) -> tuple[Chart, ...]:
    """Those that have data: no axes without anything on them.

    The times of a load benchmark belong to its loads: it draws them itself. No arm is called
    faster for what a cassette says, or for what a load that changed may have done.
    """
    if evidence.info.load is not None:
        return (*_by_cost(evidence), *_tokens(evidence))
    return (
        *_by_cost(evidence),
        *(_by_latency(evidence) if evidence.unfit is None else ()),
        *_distributions(evidence),
        *_tokens(evidence),
    )


def _by_cost(evidence: Evidence) -> Iterator[Chart]:
    currencies = {arm.currency for arm in evidence.arms if arm.currency}
    priced = {
        arm.arm: Span(_THOUSAND * price)
        for arm in evidence.arms
        if (price := cost_per_request(arm)) is not None
    }
    if len(currencies) != 1:
        return  # nothing to draw, or prices that no axis can hold together
    currency = currencies.pop()
    shown = {name: wording.money(span.value, currency) for name, span in priced.items()}
    label = f"cost of 1,000 requests ({currency})"
    yield from _tradeoff(evidence, "cost", ("Quality against cost", label), priced, shown)


def _by_latency(evidence: Evidence) -> Iterator[Chart]:
    spans = {
        arm.arm: _seconds(arm.e2e_ms.p50)
        for arm in evidence.arms
        if arm.e2e_ms.p50.value is not None
    }
    shown = {name: wording.milliseconds(span.value * _SECOND_MS) for name, span in spans.items()}
    label = "median seconds to the whole answer"
    yield from _tradeoff(evidence, "latency", ("Quality against latency", label), spans, shown)


def _seconds(found: Estimate) -> Span:
    ends = (None if end is None else end / _SECOND_MS for end in (found.low, found.high))
    return Span((found.value or 0.0) / _SECOND_MS, *ends)


def _tradeoff(
    evidence: Evidence,
    chart_id: str,
    words: tuple[str, str],
    prices: dict[str, Span],
    shown: dict[str, str],
) -> Iterator[Chart]:
    """``words``: title and the x axis's label. ``shown``: each arm's price as text."""
    points, arms = [], []
    for arm in evidence.arms:
        found = evidence.quality(arm)
        if found.value is not None and arm.arm in prices:
            span = Span(found.value, found.low, found.high)
            points.append(Point(arm.arm, evidence.series(arm.arm), prices[arm.arm], span))
            arms.append(arm)
    if not points:
        return
    best = charts.front(points)
    title, label = words
    names = ", ".join(point.name for point in best)
    caption = "Up and to the left is better. No arm beats those on the dashed line in both."
    columns = (_ARM, Column(label.capitalize()), Column("Quality", numeric=False), Column("Front"))
    rows = tuple(
        (
            arm_cell(evidence, arm),
            TableCell(shown[arm.arm]),
            share_cell(evidence.quality(arm)),
            TableCell("yes" if point in best else "no"),
        )
        for arm, point in zip(arms, points, strict=True)
    )
    said = f"{evidence.quality_name} with 95% intervals against {label}. On the front: {names}."
    text = ChartText(chart_id, title, said)
    svg = charts.tradeoff(points, (label, evidence.quality_name), text)
    legend = tuple(Key(p.name, palette.series_name(p.series)) for p in points)
    legend = legend if len(points) > charts.MOST_NAMED else ()
    yield Chart(chart_id, title, caption, svg, Table(title, columns, rows), legend)


def _distributions(evidence: Evidence) -> Iterator[Chart]:
    told = ", as it was recorded" if evidence.info.mode is Mode.REPLAY else ""
    for chart_id, what, label, field in (
        ("ttft", "Time to the first token", "seconds to the first token", "ttft_ms"),
        ("e2e", "Time to the whole answer", "seconds to the whole answer", "e2e_ms"),
    ):
        curves = [curve for arm in evidence.arms if (curve := _curve(evidence, arm, field)).values]
        if not curves:
            continue
        title = what + told
        text = ChartText(chart_id, title, f"Share of requests against {label}, a curve per arm.")
        yield Chart(
            chart_id,
            title,
            "The share of answered requests that took at most so long. Further left is faster.",
            charts.ecdf(curves, label, text),
            _spread_table(evidence, title, curves),
            tuple(
                Key(
                    curve.name,
                    palette.series_name(curve.series),
                    dash(curve.series),
                )
                for curve in curves
            ),
        )


def dash(series: int) -> str:
    """As the curve is drawn, whose dashes are lengths in widths of its line."""
    return " ".join(f"{2.6 * length:g}" for length in palette.dash(series)) or "none"


def _curve(evidence: Evidence, arm: ArmSummary, field: str) -> Curve:
    """One value a request, though a request has a row for each of its choices."""
    values = {
        row.cell_id: value / _SECOND_MS
        for row in evidence.rows
        if row.arm == arm.arm and (value := getattr(row, field)) is not None
    }
    return Curve(arm.arm, evidence.series(arm.arm), tuple(values.values()))


def _spread_table(evidence: Evidence, title: str, curves: Sequence[Curve]) -> Table:
    columns = (_ARM, Column("n"), *(Column(name) for name in ("Fastest", "Median", "Slowest")))
    rows = []
    for curve in curves:
        ordered = sorted(curve.values)
        middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        times = (ordered[0], middle, ordered[-1])
        rows.append(
            (
                TableCell(curve.name, colour=evidence.colour(curve.name)),
                TableCell(f"{len(ordered):,}"),
                *(TableCell(wording.milliseconds(_SECOND_MS * value)) for value in times),
            )
        )
    return Table(title, columns, tuple(rows))


def _tokens(evidence: Evidence) -> Iterator[Chart]:
    split = [(arm, parts) for arm in evidence.arms if (parts := _token_parts(arm)) is not None]
    if not split:
        return
    # Most providers' counts leave no rest, and an empty part would only ask what it is.
    has_rest = any(parts[2] > _ROUNDING for _, parts in split)
    shown = _PARTS if has_rest else _PARTS[:2]
    bars, rows = [], []
    for arm, parts in split:
        total = arm.output_tokens.value or 0.0
        bars.append(Stack(arm.arm, parts[: len(shown)], total))
        numbers = (TableCell(wording.count(number)) for number in (*parts[: len(shown)], total))
        rows.append((arm_cell(evidence, arm), *numbers))
    title = "Where the tokens go"
    rest = " Other tokens carry no text, such as the one that ends an answer." if has_rest else ""
    places = _PART_COLOURS[: len(shown)]
    text = ChartText("tokens", title, f"Mean output tokens of a request: {', '.join(shown)}.")
    yield Chart(
        "tokens",
        title,
        f"Mean output tokens of a request. Reasoning is paid for like the answer.{rest}",
        charts.stacks(bars, [palette.series(place) for place in places], "output tokens", text),
        Table(title, (_ARM, *(Column(p.capitalize()) for p in (*shown, "output"))), tuple(rows)),
        tuple(
            Key(part, palette.series_name(place)) for part, place in zip(shown, places, strict=True)
        ),
    )


def _token_parts(arm: ArmSummary) -> tuple[float, float, float] | None:
    """Reasoning, answer, and what is neither; None where one of the counts is not known."""
    reasoning, answer = arm.reasoning_tokens.value, arm.answer_tokens.value
    output = arm.output_tokens.value
    if reasoning is None or answer is None or output is None:
        return None
    return reasoning, answer, max(0.0, output - reasoning - answer)
