"""A gate's verdict on a terminal."""

from typing import TYPE_CHECKING

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.terminal import counted, one_line

if TYPE_CHECKING:
    from stepeval.api.gate import ArmGate, Gated, MetricVerdict, Raced

_NOTHING = "-"
_LONGEST = 1_000  # of a line: a baseline is from whoever can commit, and must not forge another
_COLUMNS: tuple[Column, ...] = (
    ("arm", "left"),
    ("metric", "left"),
    ("verdict", "left"),
    ("change, 90%", "left"),
    ("margin", "right"),
    ("items", "right"),
    ("p worse", "right"),
    ("what would decide", "left"),
)
_LOOKS: tuple[Column, ...] = (
    ("look", "left"),
    ("items", "right"),
    ("change, repeated interval", "left"),
    ("safe at", "right"),
    ("drop at", "right"),
    ("then", "left"),
)


def print_gate(found: "Gated") -> None:
    from stepeval.api.gate_words import gate_sentence, notes

    if found.stopping is not None:
        _print_looks(found)
    elif any(arm.metrics for arm in found.arms):
        rows = [_cells(arm, metric) for arm in found.arms for metric in arm.metrics]
        print_fitted(_COLUMNS, rows, (6, 5, 4, 7), "change: of the score in points, else a ratio")
    for note in notes(found):
        click.echo(one_line(note, _LONGEST))
    click.echo(one_line(gate_sentence(found), _LONGEST))


def _cells(arm: "ArmGate", metric: "MetricVerdict") -> tuple[str, ...]:
    from stepeval.api.gate_words import change_words, margin_words

    change = metric.change
    return (
        one_line(arm.arm, 40),
        change.tolerance.metric,
        metric.verdict.value + (" (small drop shown)" if metric.small_drop else ""),
        change_words(change.tolerance.scale, change.estimate),
        margin_words(change.tolerance.scale, change.tolerance.margin),
        f"{change.items:,}",
        _NOTHING if metric.p_worse is None else f"{metric.p_worse:.3f}",
        _more(metric),
    )


def _more(metric: "MetricVerdict") -> str:
    if metric.more_items is None:
        if metric.verdict.value == "inconclusive" and metric.change.may_hide:
            return "the answers that failed"
        reason = metric.change.estimate.reason
        return "" if reason is None else one_line(reason, 60)
    return counted(metric.more_items, "more item")


def _print_looks(found: "Gated") -> None:
    from stepeval.api.gate_words import interval_points, stage_word

    assert found.stopping is not None
    rows = [
        (
            f"{stage_word(look.stage)} {look.number + 1}",
            f"{look.items:,}",
            interval_points(look.change, look.low, look.high),
            _against(look.safe, look.safe_bound),
            _against(look.drop, look.drop_bound),
            look.decision.value,
        )
        for look in found.stopping.looks
    ]
    note = "safe at, drop at: the statistic against its bound; it stops where it is above one"
    print_fitted(_LOOKS, rows, (4, 3), note)


def _against(value: float | None, bound: float) -> str:
    return f"{_NOTHING if value is None else f'{value:.2f}'} / {bound:.2f}"


def print_race(found: "Raced") -> None:
    from stepeval.api.gate_words import race_notes, race_sentence

    for note in race_notes(found):
        click.echo(one_line(note, _LONGEST))
    click.echo(one_line(race_sentence(found), _LONGEST))
