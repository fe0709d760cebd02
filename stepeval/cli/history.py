"""`stepeval history`: a suite over its stored runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.options import as_json, runs_folder
from stepeval.cli.terminal import counted, one_line, plain

if TYPE_CHECKING:
    from stepeval.api.run_history import Line, Point
    from stepeval.api.summary import Estimate

_NOTHING = "-"
_COMMIT = 10  # characters of its name
_COLUMNS: tuple[Column, ...] = (
    ("run, UTC", "left"),
    ("commit", "left"),
    ("n", "right"),
    ("right, 95%", "left"),
    ("score, 95%", "left"),
    ("E2E p50, ms", "left"),
    ("cost", "right"),
    ("per right, 95%", "left"),
    ("changed", "left"),
    ("shown", "left"),
)
_LEAST_NEEDED_FIRST = (7, 4, 5, 6)


@click.command()
@click.argument("suite")
@click.option("--arm", "arms", multiple=True, metavar="NAME", help="Only this arm.")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs, the newest.",
)
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page here."
)
@as_json
@runs_folder
def history(
    suite: str, arms: tuple[str, ...], last: int, report: Path | None, *, json: bool, runs: Path
) -> None:
    """Show a suite over its stored runs: scores, cost and latency, and what changed.

    SUITE is its file or its name. Each run is compared with the one before, on the same items.
    """
    from stepeval.api.run_history import history_json, history_of, write_history

    found = history_of(suite, runs, last=last, arms=arms)
    if json:
        from stepeval.cli.terminal import echo_json

        echo_json(history_json(found))
    else:
        for line in found.lines:
            _print_line(line)
        if found.left_out:
            click.echo(f"{counted(found.left_out, 'older run')} left out; --last N shows more")
    if report is not None:
        click.echo(plain(f"report: {write_history(found, report)}"), err=json)


def _print_line(line: "Line") -> None:
    click.echo(plain(f"{line.kind}  {one_line(line.arm, 80)}"))
    note = "changed, shown: against the run before; shown is beyond chance on the same items"
    print_fitted(_COLUMNS, [_cells(point) for point in line.points], _LEAST_NEEDED_FIRST, note)
    click.echo()


def _cells(point: "Point") -> tuple[str, ...]:
    info, arm = point.info, point.arm
    commit = _NOTHING if info.git_commit is None else info.git_commit[:_COMMIT]
    missing = f" ({point.missing:,} missing)" if point.missing else ""
    return (
        datetime.fromtimestamp(info.created_at, UTC).strftime("%Y-%m-%d %H:%M"),
        one_line(f"{commit}{'+' if info.git_dirty else ''}", 12),
        f"{arm.n:,}{missing}",
        _estimate(arm.accuracy, 100, ".1f"),
        _estimate(arm.score, 1, ".3f"),
        _estimate(arm.e2e_ms.p50, 1, ",.0f"),
        _NOTHING if arm.cost_original is None else f"{arm.cost_original:.4f}",
        _estimate(arm.cost_per_correct, 1, ".6f"),
        one_line("; ".join(point.changed), 60) or _NOTHING,
        one_line("; ".join(point.shown), 90) or _NOTHING,
    )


def _estimate(found: "Estimate", factor: float, form: str) -> str:
    if found.value is None:
        return "n too small" if found.n else _NOTHING
    said = format(factor * found.value, form)
    if found.low is None or found.high is None:
        return said
    return f"{said} ({format(factor * found.low, form)} to {format(factor * found.high, form)})"
