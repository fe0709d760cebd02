"""The command `gate`, and the options by which a run is told to gate itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.baseline import baselines_folder
from stepeval.cli.options import as_json, find_run, run_argument, runs_folder
from stepeval.cli.publishing import Publish, published
from stepeval.core.margin import parse_points, parse_ratio

if TYPE_CHECKING:
    from stepeval.api.gate_wish import GateWish

_JUDGING = (
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="NAMES",
        help="score, latency, latency_p95, ttft, cost, by commas.  [default: score]",
    ),
    click.option(
        "--margin",
        "margins",
        multiple=True,
        metavar="MARGIN",
        help="What is still accepted: 2pp of the score, or METRIC=10%.  [default: 5pp, 20%, 10%]",
    ),
    click.option(
        "--inconclusive",
        type=click.Choice(["pass", "fail"]),
        help="Let an inconclusive verdict end with 0 or 1 in place of 3.",
    ),
    baselines_folder,
)
_GATING = (
    click.option("--gate", "base", metavar="BASE", help="Gate the run against this baseline."),
    click.option("--early-stop", is_flag=True, help="Ask no more items than the verdict needs."),
    click.option("--race", is_flag=True, help="Stop asking arms that cannot be the pick."),
    click.option("--anytime", is_flag=True, help="--early-stop by betting: slower, no plan."),
)


@click.command()
@run_argument
@click.option("--baseline", metavar="BASE", help="Its name, its file, or a stored run.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the run's HTML report here, with this verdict.",
)
@published
@as_json
@runs_folder
def gate(run: str, baseline: str | None, report: Path | None, publish: Publish, **rest: Any) -> int:
    """Say whether a run is worse than a baseline: safe, regressed, or inconclusive.

    Exits with 0, 1 or 3 in this order, and with 4 where the run is not complete.
    """
    from stepeval.api.gate import exit_code, gate_json, judge_again
    from stepeval.cli.gate_table import print_gate

    path = find_run(run, rest["runs"])
    found = judge_again(
        path,
        baseline=baseline,
        folder=rest["baselines"],
        runs=rest["runs"],
        metrics=read_metrics(rest["metrics"], rest["margins"]),
        inconclusive=rest["inconclusive"],
    )
    if report is not None:
        from stepeval.api.report import write_report

        write_report(path, report, found)
    if rest["json"]:
        from stepeval.cli.terminal import echo_json

        shown = {} if report is None else {"report": str(report)}
        echo_json({"run": path.name, **gate_json(found), **shown})
    else:
        print_gate(found)
        if report is not None:
            click.echo(f"report: {report}")
    publish(path, found)
    return int(exit_code(found))


for _option in reversed(_JUDGING):
    gate = _option(gate)


def gated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command that runs a suite; it gets ``wish``, a GateWish or None."""

    @wraps(command)
    def with_wish(*args: Any, **values: Any) -> Any:
        names = ("base", "race", "early_stop", "anytime", "metrics", "margins", "inconclusive")
        chosen = {name: values.pop(name) for name in (*names, "baselines")}
        return command(*args, wish=_wish(**chosen), **values)

    decorated: Callable[..., Any] = with_wish
    for option in reversed((*_GATING, *_JUDGING)):
        decorated = option(decorated)
    return decorated


def _wish(
    *,
    base: str | None,
    race: bool,
    early_stop: bool,
    anytime: bool,
    metrics: tuple[str, ...],
    margins: tuple[str, ...],
    inconclusive: str | None,
    baselines: Path,
) -> "GateWish | None":
    if race:
        if inconclusive:
            raise click.UsageError("a race has no inconclusive verdict: leave out --inconclusive")
        return _race_wish(base, early_stop=early_stop or anytime, names=metrics, margins=margins)
    told = early_stop or anytime or metrics or margins or inconclusive
    if base is None:
        if told:
            raise click.UsageError("name what the run is gated against: --gate BASE")
        return None
    from stepeval.api.gate_wish import GateWish
    from stepeval.core.gate import Way

    way = Way.ANYTIME if anytime else Way.SEQUENTIAL if early_stop else Way.FIXED
    chosen = read_metrics(metrics, margins) or {"score": None}
    return GateWish(way, chosen, base, baselines, inconclusive)


def _race_wish(
    base: str | None, *, early_stop: bool, names: tuple[str, ...], margins: tuple[str, ...]
) -> "GateWish":
    if base is not None or early_stop:
        raise click.UsageError("--race compares the arms of a grid, and --gate one with a baseline")
    from stepeval.api.gate_wish import GateWish
    from stepeval.core.gate import Way

    return GateWish(Way.RACE, read_metrics(names, margins) or {"score": None})


def read_metrics(names: tuple[str, ...], margins: tuple[str, ...]) -> Mapping[str, float | None]:
    """Each metric with its margin, None for the usual one. Empty: nothing was said.

    A margin without a name is the score's. Raises click.UsageError.
    """
    found: dict[str, float | None] = {
        name.strip(): None for text in names for name in text.split(",") if name.strip()
    }
    for text in (part for margin in margins for part in margin.split(",")):
        name, separator, amount = text.rpartition("=")
        name = name.strip() if separator else "score"
        if found and name not in found and names:
            meant = "" if separator else f"; to say whose it is, write {next(iter(found))}={text}"
            raise click.UsageError(f"--margin {text}: {name} is not among --metric{meant}")
        try:
            found[name] = (parse_points if name == "score" else parse_ratio)(amount)
        except ValueError as error:
            raise click.UsageError(f"--margin of {name} {error}") from None
    return found


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run came to by its own gate."""

    code: int
    json: Callable[[], dict[str, Any]]
    print: Callable[[], None]


def decision(path: Path) -> Decision | None:
    """Of a run that was told to decide something."""
    from stepeval.api.gate import exit_code, gate_json, judge, race_json, race_of
    from stepeval.cli.gate_table import print_gate, print_race

    raced = race_of(path)
    if raced is not None:
        return Decision(0, lambda: {"race": race_json(raced)}, lambda: print_race(raced))
    found = judge(path)
    if found is None:
        return None
    return Decision(
        int(exit_code(found)), lambda: {"gate": gate_json(found)}, lambda: print_gate(found)
    )
