"""A baseline as a table on a terminal."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.terminal import one_line, plain

if TYPE_CHECKING:
    from stepeval.core.baseline import Baseline

_COLUMNS: tuple[Column, ...] = (
    ("arm", "left"),
    ("model", "left"),
    ("items", "right"),
    ("answers", "right"),
    ("mean score", "right"),
    ("E2E, geometric", "right"),
    ("cost an answer", "right"),
)
_LEAST_NEEDED_FIRST = (1, 3, 6, 5)
_NOTHING = "-"


def print_baseline(found: "Baseline") -> None:
    from stepeval.api.baseline import arm_figures

    made = datetime.fromtimestamp(found.made_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    click.echo(plain(f"{found.mode}  {found.suite}  {found.name}, of {made}"))
    rows = [_cells(arm_figures(arm)) for arm in found.arms]
    print_fitted(_COLUMNS, rows, _LEAST_NEEDED_FIRST, "mean score by item, of 100; E2E in ms")
    click.echo(plain(f"runs: {', '.join(found.runs)}"))
    if found.untimed is not None:
        click.echo(plain(f"its latencies decide nothing. {found.untimed}"))


def _cells(figures: dict[str, Any]) -> tuple[str, ...]:
    score, e2e_ms, cost = figures["score"], figures["e2e_ms"], figures["cost"]
    return (
        one_line(figures["arm"], 40),
        one_line(figures["model"], 30),
        f"{figures['items']:,}",
        f"{figures['answers']:,}",
        _NOTHING if score is None else f"{100 * score:.1f}",
        _NOTHING if e2e_ms is None else f"{e2e_ms:,.0f}",
        _NOTHING if cost is None else f"{cost:.6f} {one_line(figures['currency'] or '', 10)}",
    )
