"""Comparisons on a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from stepeval.api.compare import text_difference, words
from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.tables import share
from stepeval.cli.terminal import counted, one_line, plain
from stepeval.core.amounts import Money

if TYPE_CHECKING:
    from stepeval.api.compare import Compared, Comparison, Flakiness, Flip, Ladder, Row
    from stepeval.api.power import PowerPlan

_NOTHING = "-"
_MOST_FLIPPING = 5
_DIFFERENCE_WIDTH = 160
_CONTEXT = 24  # characters of what both texts have, around a difference


def print_compared(compared: "Compared", most_flips: int) -> None:
    """The findings first, then the numbers behind them, then what to know of both."""
    _print_sides(compared)
    for ladder in compared.ladders:
        click.echo(plain(words.advice([step.comparison for step in ladder.steps])))
    on_ladders = {id(step.comparison) for ladder in compared.ladders for step in ladder.steps}
    for one in compared.comparisons:
        if id(one) not in on_ladders:
            click.echo(plain(f"{words.sentence(one)}."))
    for note in compared.notes:
        click.echo(plain(f"warning: {note}"))
    for one in compared.comparisons:
        _print_comparison(one, most_flips)
    for ladder in compared.ladders:
        _print_ladder(ladder)
    if compared.flaky:
        _print_flakiness(compared.flaky)
    click.echo()
    family = words.family(compared.comparisons)
    click.echo(f"Intervals are 95%. p adjusted: {family}" if family else "Intervals are 95%.")


def _print_sides(compared: "Compared") -> None:
    first = compared.sides[0]
    if compared.is_one_run:
        click.echo(plain(f"{first.info.mode}  {first.suite.name}  {first.info.id}"))
        return
    for side in compared.sides:
        click.echo(plain(f"{side.name} = {side.info.mode}  {side.info.id}  {side.arm.name}"))


_METRICS: tuple[Column, ...] = (
    ("metric", "left"),
    ("n", "right"),
    ("A", "right"),
    ("B", "right"),
    ("difference, 95%", "left"),
    ("p adjusted", "right"),
    ("verdict", "left"),
)


def _print_comparison(one: "Comparison", most_flips: int) -> None:
    pairs = one.pairs
    click.echo()
    a, b = one_line(one.a.name, 30), one_line(one.b.name, 30)
    asked = f", {counted(len(pairs.keys), 'answer')} each" if pairs.is_repeated else ""
    click.echo(plain(f"{b} over {a}: {counted(pairs.items, 'item')} in both{asked}"))
    if one.settings:
        click.echo(plain(one_line(f"  {'; '.join(one.settings)}", 300)))
    names = {"A": a, "B": b, "verdict": f"{b} is"}
    columns = tuple((names.get(name, name), side) for name, side in _METRICS)
    currencies = (one.a.values.currency, one.b.values.currency)
    rows = [_metric_cells(row, *currencies) for row in one.rows]
    print_fitted(columns, rows, (5, 1), _centres(one))
    if one.quality is not None:
        _print_flips(one, most_flips)


def _centres(one: "Comparison") -> str:
    """What the columns of numbers hold."""
    kinds = {row.metric.kind.value for row in one.rows if row.a is not None}
    ratios = "where x is shown, geometric means and their ratio, paired item by item"
    return ratios if "ratio" in kinds else "means, paired item by item"


def _metric_cells(row: "Row", a: str | None, b: str | None) -> tuple[str, ...]:
    """``a`` and ``b`` are the sides' currencies."""
    return (
        words.LABELS[row.metric.key],
        f"{row.difference.estimate.n:,}",
        _value(row, row.a, a),
        _value(row, row.b, b),
        words.difference(row),
        words.chance(row.p_adjusted),
        words.verdict(row),
    )


def _value(row: "Row", value: float | None, currency: str | None) -> str:
    if value is None:
        return _NOTHING
    if row.metric.kind.value == "points":
        return f"{value:.1%}"
    if row.metric.key == "cost":
        return str(Money(value, one_line(currency or "", 10)))
    return f"{value:,.0f} ms" if row.metric.is_latency else f"{value:,.0f}"


def _print_flips(one: "Comparison", most: int) -> None:
    flips = one.flips
    if not flips.n:
        return
    click.echo(
        f"flips: {len(flips.gained):,} gained, {len(flips.lost):,} lost; "
        f"{flips.both_right:,} right in both, {flips.both_wrong:,} in neither"
    )
    for what, found in (("gained", flips.gained), ("lost", flips.lost)):
        for flip in found[:most]:
            click.echo(plain(f"  {what:6}  {_flip_line(flip)}"))
            if flip.a_text is not None and flip.b_text is not None:
                difference = "".join(_marked(flip.a_text, flip.b_text))
                click.echo(f"          {one_line(difference, _DIFFERENCE_WIDTH)}")
        if most and len(found) > most:
            click.echo(f"  {what:6}  and {len(found) - most:,} more: --flips {len(found)}")


def _flip_line(flip: "Flip") -> str:
    _, epoch, choice = flip.key
    place = f" epoch {epoch + 1}" if epoch else ""
    place += f" choice {choice + 1}" if choice else ""
    ends = (outcome.value.replace("_", " ") for outcome in (flip.a_outcome, flip.b_outcome))
    return f"{one_line(flip.sample_id, 60)}{place}  {' -> '.join(ends)}"


def _marked(a: str, b: str) -> Iterator[str]:
    """``[-only A-]{+only B+}``, and of what both have the nearest words."""
    for stretch in text_difference(a, b):
        if stretch.side.value == "only_a":
            yield f"[-{stretch.text}-]"
        elif stretch.side.value == "only_b":
            yield f"{{+{stretch.text}+}}"
        elif len(stretch.text) > 2 * _CONTEXT:
            yield f"{stretch.text[:_CONTEXT]} … {stretch.text[-_CONTEXT:]}"
        else:
            yield stretch.text


_STEPS: tuple[Column, ...] = (
    ("step", "left"),
    ("right answers", "left"),
    ("cost", "left"),
    ("whole answer", "left"),
    ("per extra right answer", "left"),
    ("lost to thinking", "left"),
)


def _print_ladder(ladder: "Ladder") -> None:
    click.echo()
    click.echo("reasoning tiers")
    rows = []
    for step in ladder.steps:
        one = step.comparison
        latency, lost = one.row("e2e_ms"), one.row("lost")
        rows.append(
            (
                f"{one_line(one.b.name, 30)} over {one_line(one.a.name, 30)}",
                _NOTHING if one.quality is None else words.difference(one.quality),
                _row_or_nothing(one.row("cost")),
                "decides nothing" if latency and latency.withheld else _row_or_nothing(latency),
                words.extra_cost(step.extra_cost, one.a.values.currency),
                "none" if lost is None else words.difference(lost),
            )
        )
    front = ", ".join(f"{one_line(n, 30)} {share:.0%}" for n, share in ladder.on_front.items())
    note = f"share of resamples in which no tier is cheaper and better: {front}" if front else ""
    print_fitted(_STEPS, rows, (5, 3), note)


def _row_or_nothing(row: "Row | None") -> str:
    return _NOTHING if row is None else words.difference(row)


_TRIES: tuple[Column, ...] = (
    ("arm", "left"),
    ("items", "right"),
    ("runs", "right"),
    ("always the same", "left"),
    ("k", "right"),
    ("pass@k", "left"),
    ("pass^k", "left"),
    ("majority of k", "left"),
)


def _print_flakiness(flaky: "Sequence[Flakiness]") -> None:
    click.echo()
    click.echo("flakiness")
    rows = [
        (
            one_line(one.arm, 40) if first else "",
            f"{one.items:,}" if first else "",
            str(one.runs) if first else "",
            share(one.stable) if first else "",
            str(tries.k),
            *map(share, (tries.any_right, tries.all_right, tries.majority)),
        )
        for one in flaky
        for first, tries in zip((True, *[False] * len(one.tries)), one.tries, strict=False)
    ]
    note = "pass@k: at least one of k runs right; pass^k: all of them"
    print_fitted(_TRIES, rows, (7, 2), note)
    for one in flaky:
        if one.whole < one.items:
            whole = f"{counted(one.whole, 'item')} with all {one.runs} runs"
            click.echo(plain(f"{one_line(one.arm, 40)}: k runs are drawn from the {whole}"))
        _print_flipping(one)


def _print_flipping(one: "Flakiness") -> None:
    if not one.flipping:
        return
    shown = ", ".join(
        f"{one_line(item.sample_id, 40)} {item.right}/{item.runs}"
        for item in one.flipping[:_MOST_FLIPPING]
    )
    rest = len(one.flipping) - _MOST_FLIPPING
    more = f" and {rest:,} more (--json lists them)" if rest > 0 else ""
    click.echo(plain(f"{one_line(one.arm, 40)} flips on {shown}{more}"))


_POWER: tuple[Column, ...] = (
    ("difference", "right"),
    ("items to show it", "right"),
    ("more", "right"),
    ("for about", "right"),
    ("items to bound a loss by it", "right"),
)


def print_power(plans: "Iterable[PowerPlan]") -> None:
    for plan in plans:
        first = plan.rows[0]
        if plan.title:
            least = first.detectable
            shows = "" if least is None else f", which show {100 * least:.1f} points"
            if least is not None and least > 1:
                shows = ", too few to show any difference"
            click.echo(plain(f"{plan.title}: {counted(first.have, 'item')}{shows}"))
        rows = [
            (
                words.size(row.target),
                f"{row.items:,}",
                f"{row.more:,}" if plan.title else f"{row.items:,}",
                _money(row.more, plan),
                f"{row.items_within:,}",
            )
            for row in plan.rows
        ]
        note = (
            "shown in 4 of 5 such comparisons, two-sided at 5%; bound: an equal arm is shown to be "
            "worse by less, one-sided at 5%"
        )
        print_fitted(_POWER, rows, (), note)


def power_json(plan: "PowerPlan") -> dict[str, Any]:
    rows = [
        {**asdict(row), "more": row.more, "items_within": row.items_within} for row in plan.rows
    ]
    return {**asdict(plan), "rows": rows}


def _money(more: int, plan: "PowerPlan") -> str:
    if plan.item_cost is None:
        return _NOTHING
    return str(Money(more * plan.item_cost, one_line(plan.currency or "", 10)))
