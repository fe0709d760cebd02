"""Commands for writing suites."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.options import as_json, runs_folder, suite_options
from stepeval.cli.terminal import plain

if TYPE_CHECKING:
    from stepeval.api.preparation import SuiteOptions
    from stepeval.api.preview import Preview


@click.command()
@click.argument("path", default="suite.yaml", type=click.Path(path_type=Path, dir_okay=False))
def init(path: Path) -> None:
    """Write a small commented suite that runs at once."""
    from stepeval.api.preview import STARTER
    from stepeval.core.errors import UsageError

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER)
    except FileExistsError:
        raise UsageError(f"{path} exists already; name another file") from None
    click.echo(f"{path} is written. Try it without a key: stepeval run {path} --simulate")


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@suite_options
@as_json
@runs_folder
def validate(suite: Path, options: Any, json: bool, runs: Path) -> None:
    """Check a suite, and say what it would send and cost, before a single request."""
    _preview(options(suite), runs, json=json)


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@suite_options
@as_json
@runs_folder
def plan(suite: Path, options: Any, json: bool, runs: Path) -> None:
    """Say what a run would send, use, cost and take: from stored runs of it, or by rule of thumb.

    Nothing is sent.
    """
    _preview(options(suite), runs, json=json)


@click.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors: stepeval schema > suite.schema.json."""
    from stepeval.api.preview import schema_of_suites
    from stepeval.cli.terminal import echo_json

    echo_json(schema_of_suites())


def _preview(options: "SuiteOptions", runs: Path, *, json: bool) -> None:
    from stepeval.api.preview import preview

    told = preview(options, runs)
    if not json:
        _print_preview(told)
        return
    from dataclasses import asdict

    from stepeval.cli.terminal import echo_json

    echo_json(asdict(told))


def _print_preview(told: "Preview") -> None:
    for warning in told.warnings:
        click.echo(plain(f"warning: {warning}"), err=True)
    for line in told.lines():
        click.echo(plain(line))
