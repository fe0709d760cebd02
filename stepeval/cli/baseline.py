"""Commands for baselines: what later runs are gated against."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepeval.cli.options import as_json, find_run, runs_folder

if TYPE_CHECKING:
    from stepeval.core.baseline import Baseline
    from stepeval.core.errors import UsageError

baselines_folder = click.option(
    "--baselines",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("baselines"),
    show_default=True,
    help="Where baselines are kept.",
)


@click.group()
def baseline() -> None:
    """Keep what a prompt reached, as a small file for git, for later runs to be gated against."""


@baseline.command("set")
@click.argument("name")
@click.argument("run_names", nargs=-1, required=True, metavar="RUN...")
@baselines_folder
@runs_folder
def set_(name: str, run_names: tuple[str, ...], baselines: Path, runs: Path) -> None:
    """Make the baseline NAME of one stored run or, better, of several of the same suite."""
    from stepeval.api.baseline import BaselinesFolder, make_baseline
    from stepeval.cli.terminal import plain

    folder = BaselinesFolder(baselines)
    folder.path(name)  # a name that is none is told before anything is read
    paths = list(dict.fromkeys(find_run(each, runs) for each in run_names))
    made = make_baseline(name, paths)
    path = folder.write(made)
    click.echo(plain(f"{path}: {_head(made)}, {path.stat().st_size / 1024:,.0f} KiB"))
    for warning in _weaknesses(made):
        click.echo(plain(f"note: {warning}"), err=True)


@baseline.command("list")
@baselines_folder
@as_json
def list_(baselines: Path, json: bool) -> None:
    """List the baselines."""
    from stepeval.api.baseline import BaselinesFolder
    from stepeval.cli.terminal import echo_json, plain

    found = list(BaselinesFolder(baselines).each())
    if json:
        echo_json([_summary(name, each) for name, each in found])
        return
    if not found:
        click.echo(f"no baseline in {baselines} yet; stepeval baseline set NAME RUN makes one")
    for name, each in found:
        said = str(each) if isinstance(each, Exception) else _head(each)
        click.echo(plain(f"{name}  {said}"))


@baseline.command()
@click.argument("name")
@baselines_folder
@as_json
def show(name: str, baselines: Path, json: bool) -> None:
    """Show what a baseline holds."""
    from stepeval.api.baseline import BaselinesFolder
    from stepeval.cli.baseline_table import print_baseline
    from stepeval.cli.terminal import echo_json

    found = BaselinesFolder(baselines).read(name)
    if json:
        echo_json(_summary(name, found))
    else:
        print_baseline(found)


@baseline.command()
@click.argument("name")
@baselines_folder
def remove(name: str, baselines: Path) -> None:
    """Remove a baseline's file."""
    from stepeval.api.baseline import BaselinesFolder

    click.echo(f"removed {BaselinesFolder(baselines).remove(name)}")


def _head(found: "Baseline") -> str:
    from stepeval.cli.terminal import counted

    runs, arms = counted(len(found.runs), "run"), counted(len(found.arms), "arm")
    items = counted(max((len(arm.items) for arm in found.arms), default=0), "item")
    return f"{found.mode}  {found.suite}: {runs}, {arms}, {items}, {_times(found)}"


def _times(found: "Baseline") -> str:
    """How often its items were asked."""
    counts = {len(item.scores) for arm in found.arms for item in arm.items}
    if not counts:
        return "no answer"
    few, many = min(counts), max(counts)
    return f"each asked {few}x" if few == many else f"each asked {few}x to {many}x"


def _weaknesses(found: "Baseline") -> list[str]:
    counts = [len(item.scores) for arm in found.arms for item in arm.items]
    weak = []
    if counts and min(counts) == 1:
        weak.append(
            "each item was asked once: with 5 runs (or --epochs 5) a gate needs about a third "
            "fewer requests, and a lucky baseline is rarer"
        )
    if found.untimed is not None:
        weak.append(f"its latencies will decide nothing. {found.untimed}")
    return weak


def _summary(name: str, found: "Baseline | UsageError") -> dict[str, object]:
    if isinstance(found, Exception):
        return {"name": name, "problem": str(found)}
    from stepeval.api.baseline import arm_figures

    return {
        "name": name,
        "suite": found.suite,
        "suite_hash": found.suite_hash,
        "mode": found.mode.value,
        "made_at": found.made_at,
        "runs": list(found.runs),
        "untimed": found.untimed,
        "arms": [arm_figures(arm) for arm in found.arms],
    }
