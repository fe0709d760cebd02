"""What the run was told to decide, and how it did."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from stepeval.analysis.gate import MetricVerdict
from stepeval.analysis.gate_words import (
    change_words,
    gate_sentence,
    interval_points,
    margin_words,
    notes,
    stage_word,
)
from stepeval.analysis.gated import ArmGate, Gated, gated
from stepeval.analysis.looks import Look, Stage
from stepeval.analysis.race_record import RaceRecord, read_race
from stepeval.analysis.race_words import Raced, drop_words, race_notes, race_sentence
from stepeval.analysis.stopping import Stopping
from stepeval.core.gate import Way
from stepeval.core.ports import RecordReader
from stepeval.report import palette
from stepeval.report.canvas import ChartText
from stepeval.report.gate_chart import DROP, SAFE, intervals_chart, race_chart, statistics_chart
from stepeval.report.text import shorten
from stepeval.report.view import Chart, Column, GateView, Key, Table, TableCell

_CLAIMS = (
    Key("not worse by the margin", palette.series_name(SAFE)),
    Key("worse at all", palette.series_name(DROP)),
    Key("their bounds", "soft", "4 2"),
)
_STAGES = {Stage.FIRST: "Against the baseline", Stage.FRESH: "Both prompts asked anew"}


def gate_view(reader: RecordReader, found: Gated | None = None) -> GateView | None:
    """``found``: a later verdict; without it, None for a run that was told to decide nothing."""
    if found is not None:
        return _gate_view(found)
    plan = reader.info().gate
    if plan is None:
        return None
    if plan.way is Way.RACE:
        return _race_view(Raced(plan.margins["score"], read_race(reader)))
    baseline = reader.baseline()
    return None if baseline is None else _gate_view(gated(reader, baseline, plan))


def _gate_view(found: Gated) -> GateView:
    charts: tuple[Chart, ...] = ()
    if found.stopping is None:
        tables = (_metrics_table(found),) if any(arm.metrics for arm in found.arms) else ()
    else:
        margin = found.plan.margins["score"]
        charts = tuple(_stage_charts(found.stopping, margin))
        tables = (_looks_table(found.stopping.looks),) if found.stopping.looks else ()
    return GateView("Gate", gate_sentence(found), tuple(notes(found)), tables, charts)


def _metrics_table(found: Gated) -> Table:
    columns = (
        Column("Arm", numeric=False),
        Column("Metric", numeric=False),
        Column("Verdict", numeric=False),
        Column("Change", help="of the score in points, of the others as a ratio; 90% interval"),
        Column("Margin", help="what is still accepted"),
        Column("Items"),
        Column("p, worse", help="one-sided, adjusted for all rows (Holm)"),
        Column("Decided by", help="items more, where neither is shown"),
    )
    rows = tuple(_metric_row(arm, metric) for arm in found.arms for metric in arm.metrics)
    return Table(f"Against baseline {shorten(found.baseline.name, 60)}", columns, rows)


def _metric_row(arm: ArmGate, metric: MetricVerdict) -> tuple[TableCell, ...]:
    change, scale = metric.change, metric.change.tolerance.scale
    more = metric.more_items
    return (
        TableCell(shorten(arm.arm, 60)),
        TableCell(change.tolerance.metric),
        TableCell(metric.verdict.value, "a small drop is shown" if metric.small_drop else ""),
        TableCell(change_words(scale, change.estimate), change.estimate.reason or ""),
        TableCell(margin_words(scale, change.tolerance.margin)),
        TableCell(f"{change.items:,}"),
        TableCell("unknown", faint=True)
        if metric.p_worse is None
        else TableCell(f"{metric.p_worse:.3f}"),
        TableCell("", faint=True) if more is None else TableCell(f"{more:,}"),
    )


def _stage_charts(stopping: Stopping, margin: float) -> Iterator[Chart]:
    for stage, title in _STAGES.items():
        looks = stopping.of(stage)
        if not looks:
            continue
        table = _looks_table(looks)
        caption = (
            "At each look, how clearly the run is not worse by the margin and how clearly it is "
            "worse, each with the bound that allows for all looks. It stops where one is above."
        )
        name = f"looks{stage.value}"
        text = ChartText(name, f"{title}: statistics and bounds", caption)
        svg = statistics_chart(looks, text)
        yield Chart(name, text.title, caption, svg, table, _CLAIMS)
        caption = (
            "The change of the score with its repeated interval, which holds at every look at "
            "once; a naive interval after stopping would cover less than it says."
        )
        name = f"intervals{stage.value}"
        text = ChartText(name, f"{title}: repeated intervals", caption)
        yield Chart(name, text.title, caption, intervals_chart(looks, margin, text), table)


def _looks_table(looks: Sequence[Look]) -> Table:
    columns = (
        Column("Look", numeric=False),
        Column("Items"),
        Column("Scored"),
        Column("Change", help="points, with the repeated interval"),
        Column("Not worse by the margin", help="statistic, then its bound"),
        Column("Worse", help="statistic, then its bound"),
        Column("Then", numeric=False),
    )
    return Table("Looks", columns, tuple(_look_row(look) for look in looks))


def _look_row(look: Look) -> tuple[TableCell, ...]:
    return (
        TableCell(f"{stage_word(look.stage)} {look.number + 1}"),
        TableCell(f"{look.items:,}"),
        TableCell(f"{look.n:,}"),
        TableCell(interval_points(look.change, look.low, look.high)),
        _against(look.safe, look.safe_bound),
        _against(look.drop, look.drop_bound),
        TableCell(look.decision.value),
    )


def _against(value: float | None, bound: float) -> TableCell:
    return TableCell("unknown" if value is None else f"{value:.2f}", f"bound {bound:.2f}")


def _race_view(found: Raced) -> GateView:
    charts = (_race_chart(found.race),) if found.race.rounds else ()
    return GateView("Race", race_sentence(found), tuple(race_notes(found)), (), charts)


def _race_chart(race: RaceRecord) -> Chart:
    caption = "The mean score of each arm after every round that it ran; a line ends with its arm."
    text = ChartText("race", "The race, round by round", caption)
    items = [each.items for each in race.rounds]
    scores = {arm: _course(race, arm) for arm in race.rounds[0].scores}
    legend = tuple(
        Key(shorten(arm, 40), palette.series_name(place), " ".join(map(str, palette.dash(place))))
        for place, arm in enumerate(scores)
    )
    svg = race_chart(items, scores, text)
    return Chart(text.id, text.title, caption, svg, _race_table(race), legend)


def _course(race: RaceRecord, arm: str) -> list[float]:
    values = (each.scores.get(arm) for each in race.rounds)
    return [
        value for value in takewhile(lambda value: value is not None, values) if value is not None
    ]


def _race_table(race: RaceRecord) -> Table:
    arms = list(race.rounds[0].scores)
    columns = (Column("Items", numeric=False), *(Column(shorten(arm, 40)) for arm in arms))
    drops = Column("Left", numeric=False)
    rows = tuple(
        (
            TableCell(f"{each.items:,}"),
            *(_score_cell(each.scores.get(arm)) for arm in arms),
            TableCell("; ".join(map(drop_words, each.drops)), faint=not each.drops),
        )
        for each in race.rounds
    )
    return Table("Rounds, mean score of 100", (*columns, drops), rows)


def _score_cell(score: float | None) -> TableCell:
    return TableCell("", faint=True) if score is None else TableCell(f"{100 * score:.1f}")
