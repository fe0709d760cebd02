"""Commands for writing suites."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.options import as_json, suite_options
from stepeval.cli.terminal import plain

if TYPE_CHECKING:
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
def validate(suite: Path, options: Any, json: bool) -> None:
    """Say what a suite would send, and what that would cost, before a single request."""
    from stepeval.api.preview import preview

    told = preview(options(suite))
    if json:
        from dataclasses import asdict

        from stepeval.cli.terminal import echo_json

        echo_json(asdict(told))
        return
    _print_preview(told)


@click.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors: stepeval schema > suite.schema.json."""
    from stepeval.api.preview import schema_of_suites
    from stepeval.cli.terminal import echo_json

    echo_json(schema_of_suites())


def _print_preview(told: "Preview") -> None:
    for warning in told.warnings:
        click.echo(plain(f"warning: {warning}"), err=True)
    for line in told.lines():
        click.echo(plain(line))
