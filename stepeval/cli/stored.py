"""Commands that read stored runs."""

import sys
from pathlib import Path

import click

from stepeval.cli.options import as_json, find_run, open_it, run_argument, runs_folder


@click.command()
@run_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
@open_it
@runs_folder
def report(run: str, out: Path | None, open_it: bool, runs: Path) -> None:
    """Write a stored run's HTML report: one file, no network, to be mailed or committed."""
    from stepeval.api.report import write_report

    path = write_report(find_run(run, runs), out)
    click.echo(str(path))
    if open_it:
        click.launch(str(path))


@click.command()
@as_json
@runs_folder
def runs(json: bool, runs: Path) -> None:
    """List the stored runs, newest first."""
    from stepeval.api.stored import list_runs

    listed = list_runs(runs)
    if json:
        from dataclasses import asdict

        from stepeval.cli.terminal import echo_json

        echo_json([asdict(one) for one in listed])
        return
    from stepeval.cli.tables import print_runs

    print_runs(listed)


@click.command()
@run_argument
@as_json
@runs_folder
def show(run: str, json: bool, runs: Path) -> None:
    """Show a stored run's results in the terminal."""
    from stepeval.api.load_summary import is_load

    path = find_run(run, runs)
    if is_load(path):
        _show_load(path, json=json)
        return
    from stepeval.api.summary import summarise, summary_json
    from stepeval.cli.gate import decision

    summary = summarise(path)
    decided = None if summary.info.gate is None else decision(path)
    if json:
        from stepeval.cli.terminal import echo_json

        echo_json({**summary_json(summary), **({} if decided is None else decided.json())})
        return
    from stepeval.cli.tables import print_summary

    print_summary(summary)
    if decided is not None:
        decided.print()


def _show_load(path: Path, *, json: bool) -> None:
    from stepeval.api.load_summary import load_json, load_summary

    summary = load_summary(path)
    if json:
        from stepeval.cli.terminal import echo_json

        echo_json(load_json(summary))
        return
    from stepeval.cli.load_tables import print_load

    print_load(summary)


@click.command()
@run_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "junit"]),
    default="csv",
    show_default=True,
    help="junit: the suite's expectations, as JUnit XML.",
)
@click.option(
    "--table",
    type=click.Choice(["samples", "scores", "chunks"]),
    default="samples",
    show_default=True,
)
@click.option("--raw", is_flag=True, help="CSV cells as they are, even those a sheet would run.")
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file.")
@runs_folder
def export(run: str, *, form: str, table: str, raw: bool, out: Path | None, runs: Path) -> None:
    """Write a stored run as CSV (safe to open in a spreadsheet), JSON lines or JUnit XML."""
    from stepeval.api.stored import export as write
    from stepeval.cli.terminal import for_terminal

    path = find_run(run, runs)
    if form == "junit":
        _export_junit(path, out)
        return
    if out is None:
        to = for_terminal(sys.stdout) if sys.stdout.isatty() else sys.stdout
        write(path, to, table=table, form=form, raw=raw)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        write(path, file, table=table, form=form, raw=raw)
    click.echo(str(out), err=True)


def _export_junit(path: Path, out: Path | None) -> None:
    from stepeval.api.publishing import junit, write_junit

    if out is None:
        click.echo(junit(path), nl=False)
        return
    write_junit(path, out)
    click.echo(str(out), err=True)
