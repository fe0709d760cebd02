"""Results as tables on a terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table
from rich.text import Text

from stepeval.cli.fitted import Column, console, print_fitted
from stepeval.cli.terminal import one_line, plain
from stepeval.core.record import Mode, Outcome

if TYPE_CHECKING:
    from stepeval.api.stored import StoredRun
    from stepeval.api.summary import ArmSummary, Estimate, RunSummary
    from stepeval.core.record import RunInfo

_NOTHING = "-"

_COLUMNS: tuple[Column, ...] = (
    ("arm", "left"),
    ("n", "right"),
    ("right, 95%", "left"),
    ("not right", "left"),
    ("TTFT p50", "right"),
    ("TTFT p95", "right"),
    ("E2E p50", "right"),
    ("E2E p95", "right"),
    ("reasoning", "right"),
    ("answer", "right"),
    ("cost", "right"),
    ("per right", "right"),
)
_LEAST_NEEDED_FIRST = (9, 5, 7, 8, 11, 4, 3, 6, 10)


def print_summary(summary: "RunSummary") -> None:
    """Every figure with its n and, where it is an estimate, its 95% interval."""
    info = summary.info
    click.echo(plain(f"{info.mode}  {info.suite_name}  {info.id}"))
    if summary.skipped:
        asked = f"{summary.skipped:,} of {summary.total:,} requests were not needed"
        click.echo(f"stopped early: {asked}; right is of those that were asked")
    elif summary.recorded < summary.total:
        left = summary.total - summary.recorded
        why = "" if summary.stopped is None else f": {one_line(summary.stopped, 400)}"
        click.echo(f"incomplete: {left} of {summary.total} requests are missing{why}")
    _print_arms(summary)
    recalled = sum(arm.from_cache for arm in summary.arms)
    if recalled:
        share = f"{recalled:,} of {summary.recorded:,} answers"
        click.echo(f"{share} came from the cache: they are in no time, and cost this run nothing")
    if summary.confirming:
        click.echo(_confirming(summary))
    if summary.latency_unfit is not None and info.mode is not Mode.REPLAY:
        click.echo(plain(f"times for no verdict: {one_line(summary.latency_unfit, 400)}"))
    for reason, count in summary.failures:
        click.echo(plain(f"failed {count}x  {one_line(reason, 300)}"))
    for warning in summary.warnings:
        click.echo(plain(f"warning: {warning}"))


def _confirming(summary: "RunSummary") -> str:
    said = f"beside the grid, to check the baseline: {summary.confirming:,} requests"
    currency = next((arm.currency for arm in summary.arms if arm.currency), "")
    if summary.confirming_cost is None:
        return f"{said}, at an unknown cost"
    return f"{said}, {summary.confirming_cost:.4f} {one_line(currency, 10)}"


def _print_arms(summary: "RunSummary") -> None:
    rows = [_arm_cells(arm) for arm in summary.arms]
    times = "TTFT and E2E in ms"
    if summary.info.mode is Mode.REPLAY:
        times += " as they were recorded"
    note = f"{times}; reasoning and answer in mean tokens; per right: cost / correct"
    if any(arm.cost_total != arm.cost_original for arm in summary.arms):
        note += "; (cost): when the answers were sent"
    print_fitted(_COLUMNS, rows, _LEAST_NEEDED_FIRST, note)


def print_runs(runs: "list[StoredRun]") -> None:
    if not runs:
        click.echo("no runs yet; `stepeval demo` makes one")
        return
    table = _table("run", "mode", "suite", "state", "requests", "started")
    for run in runs:
        if run.info is None or run.status is None:
            table.add_row(run.id, "", "", Text(one_line(run.problem or "unreadable", 60)), "", "")
            continue
        started = datetime.fromtimestamp(run.info.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        table.add_row(
            run.id,
            run.info.mode.value,
            Text(one_line(run.info.suite_name, 40)),
            run.status.state.value,
            _progress(run.info, run.status.finals, run.status.cells),
            started,
        )
    _print(table)
    if any(run.status is not None and run.status.state.value == "incomplete" for run in runs):
        click.echo("what an incomplete one is missing is sent by: stepeval resume RUN")


def _progress(info: "RunInfo", finals: int, cells: int) -> str:
    """How many requests a load bounded by time makes is not known before its end."""
    return str(finals) if info.load is not None else f"{finals}/{cells}"


def _arm_cells(arm: "ArmSummary") -> tuple[str, ...]:
    currency, per_right = one_line(arm.currency or "", 10), arm.cost_per_correct.value
    return (
        one_line(arm.arm, 40),
        str(arm.n),
        share(arm.accuracy),
        _outcomes(arm.outcomes),
        _number(arm.ttft_ms.p50, ",.0f"),
        _number(arm.ttft_ms.p95, ",.0f"),
        _number(arm.e2e_ms.p50, ",.0f"),
        _number(arm.e2e_ms.p95, ",.0f"),
        _number(arm.reasoning_tokens, ",.0f"),
        _number(arm.answer_tokens, ",.0f"),
        _cost(arm, currency),
        _NOTHING if per_right is None else f"{per_right:.6f}",
    )


def _cost(arm: "ArmSummary", currency: str) -> str:
    if arm.cost_total is None:
        return _NOTHING
    original = "" if arm.cost_original == arm.cost_total else f" ({arm.cost_original:.4f})"
    return f"{arm.cost_total:.4f}{original} {currency}"


def share(estimate: "Estimate") -> str:
    if estimate.value is None:
        return _NOTHING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.1%}"
    return f"{estimate.value:.1%} ({estimate.low * 100:.1f} to {estimate.high * 100:.1f})"


def _number(estimate: "Estimate", form: str) -> str:
    """A percentile that n cannot hold says so, in place of a figure."""
    if estimate.value is None:
        return "n too small" if estimate.n else _NOTHING
    return format(estimate.value, form)


def _outcomes(counts: Mapping[Outcome, int]) -> str:
    parts = [
        f"{count} {kind.value.replace('_', ' ')}"
        for kind, count in counts.items()
        if count and kind is not Outcome.CORRECT
    ]
    return ", ".join(parts) or "0"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _print(table: Table) -> None:
    console().print(table)
