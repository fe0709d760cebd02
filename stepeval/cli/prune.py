"""Removing old runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepeval.cli.options import runs_folder

if TYPE_CHECKING:
    from stepeval.api.prune import Old


@click.command()
@click.option("--keep", type=click.IntRange(min=0), help="Not the N newest ones.")
@click.option("--older-than", metavar="AGE", help="Only what is older, e.g. 30d, 12h or 2w.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@runs_folder
def prune(
    keep: int | None, older_than: str | None, *, dry_run: bool, yes: bool, runs: Path
) -> None:
    """Remove old runs: answers, scores and all. One that is being written is left alone.

    With both --keep and --older-than, a run goes that neither of them protects.
    """
    import time

    from stepeval.api.prune import old_runs, read_age, remove
    from stepeval.cli.terminal import counted

    if keep is None and older_than is None:
        raise click.UsageError("say what is old: --keep N, --older-than 30d, or both")
    age = None if older_than is None else read_age(older_than)
    going = old_runs(runs, keep=keep or 0, older_than=age, now=time.time())
    _list(going)
    if dry_run or not going:
        return
    if not yes:
        _ask(f"Remove {counted(len(going), 'run')} for good?")
    for old in going:
        remove(runs, old)
    click.echo(f"removed {counted(len(going), 'run')}")


def _list(going: "list[Old]") -> None:
    if not going:
        click.echo("no run is that old")
    for old in going:
        assert old.run.status is not None
        status = old.run.status
        told = f"{status.state}, {status.finals} of {status.cells}, {old.size / 1e6:.1f} MB"
        click.echo(f"{old.run.id}  {told}")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; to remove them, say --yes")
    click.confirm(question, abort=True)
