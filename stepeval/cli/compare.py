"""`stepeval compare` and `stepeval power`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stepeval.cli.options import as_json, runs_folder


def _points(_context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Of one text, or of several."""
    from stepeval.core.amounts import parse_points

    try:
        return tuple(map(parse_points, value)) if isinstance(value, tuple) else parse_points(value)
    except ValueError as error:
        raise click.UsageError(f"{parameter.opts[0]} {error}") from error


_difference: Callable[..., Any] = click.option(
    "--difference",
    default="2pp",
    show_default=True,
    callback=_points,
    help="The difference that an undecided verdict tells the needed items for.",
)


@click.command()
@click.argument("names", metavar="[RUN[:ARM]...]", nargs=-1)
@_difference
@click.option(
    "--flips",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="How many flipped items of each kind to print.",
)
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page here."
)
@click.option("--open", "open_it", is_flag=True, help="Open that page in a browser.")
@as_json
@runs_folder
def compare(
    names: tuple[str, ...],
    *,
    difference: float,
    flips: int,
    report: Path | None,
    open_it: bool,
    json: bool,
    runs: Path,
) -> None:
    """Compare arms on the same items: the arms of one run, or of two and more runs."""
    if open_it and report is None:
        raise click.UsageError("--open needs --report FILE: it says where the page is written")
    from stepeval.api.compare import compare_runs, compared_json, write_comparison

    compared = compare_runs(names or ("latest",), runs, target=difference)
    if report is not None:
        write_comparison(compared, report)
    if json:
        from stepeval.cli.terminal import echo_json

        echo_json(compared_json(compared))
    else:
        from stepeval.cli.compare_tables import print_compared

        print_compared(compared, flips)
    if report is not None:
        click.echo(f"report: {report}", err=json)
        if open_it:
            click.launch(str(report))


@click.command()
@click.argument("names", metavar="[RUN[:ARM]...]", nargs=-1)
@click.option(
    "--difference",
    "differences",
    multiple=True,
    callback=_points,
    help="Such as 2pp; may be repeated.  [default: 1, 2, 3, 5 and 10]",
)
@click.option(
    "--flip-rate",
    metavar="SHARE",
    help="Instead of runs: the share of items that only one of the arms has right, such as 20%.",
)
@as_json
@runs_folder
def power(
    names: tuple[str, ...],
    *,
    differences: tuple[float, ...],
    flip_rate: str | None,
    json: bool,
    runs: Path,
) -> None:
    """Say how many items it takes to show a difference, or to bound a loss."""
    from stepeval.api.power import TARGETS, plan_flips, plan_runs

    targets = tuple(sorted(set(differences))) or TARGETS
    if flip_rate is not None:
        if names:
            raise click.UsageError("give runs or --flip-rate, not both")
        share = _flip_rate(flip_rate)
        plans = plan_flips(share, targets)
    else:
        plans = plan_runs(names or ("latest",), runs, targets)
    if json:
        from stepeval.cli.compare_tables import power_json
        from stepeval.cli.terminal import echo_json

        echo_json([power_json(plan) for plan in plans])
        return
    from stepeval.cli.compare_tables import print_power

    print_power(plans)


def _flip_rate(text: str) -> float:
    from stepeval.core.amounts import parse_points

    try:
        return parse_points(text)
    except ValueError as error:
        raise click.UsageError(f"--flip-rate {error}") from error
