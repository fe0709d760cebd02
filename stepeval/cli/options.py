"""Options that several commands share, and how their words become values."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from stepeval.api.preparation import SuiteOptions

run_argument = click.argument("run", metavar="RUN", default="latest")
as_json = click.option("--json", is_flag=True, help="Print one JSON document.")
open_it = click.option("--open", "open_it", is_flag=True, help="Open the report in a browser.")
runs_folder = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".stepeval") / "runs",
    show_default=True,
    help="Where runs are stored.",
)

_SUITE_OPTIONS = (
    click.option("--limit", type=click.IntRange(min=1), help="Only N samples, drawn at random."),
    click.option("--arm", "arms", multiple=True, metavar="NAME", help="Only this arm."),
    click.option("--sample", "samples", multiple=True, metavar="ID", help="Only this sample."),
    click.option(
        "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a parameter."
    ),
    click.option("--model", "models", multiple=True, help="Use this model (or these)."),
    click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight."),
    click.option("--tier", help="Keep this account tier's limits: V0 to V4."),
    click.option("--epochs", type=click.IntRange(min=1), help="Times each sample is asked."),
    click.option("--seed", type=int, help="Seed of the order, and of the simulator."),
    click.option("--max-cells", type=click.IntRange(min=1), help="Refuse a larger grid."),
    click.option("--base-url", help="Send everything to this OpenAI-compatible server."),
    click.option("--key-env", metavar="VARIABLE", help="Where the key for --base-url is."),
    click.option("--trust-base-url", is_flag=True, help="Send to hosts that are not known ones."),
)

# The options whose values go into SuiteOptions under their own names.
_PASSED_ON = (
    *("limit", "arms", "samples", "models", "concurrency", "tier", "epochs", "seed"),
    *("max_cells", "base_url", "key_env", "trust_base_url"),
)


def suite_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that shape a suite; the command gets ``options(path) -> SuiteOptions``."""

    @wraps(command)
    def with_options(*args: Any, **values: Any) -> Any:
        chosen = {name: values.pop(name) for name in _PASSED_ON}
        parameters = parse_assignments(values.pop("assignments"))

        def options(path: Path) -> "SuiteOptions":
            from stepeval.api.preparation import SuiteOptions

            return SuiteOptions(path, parameters=parameters, **chosen)

        return command(*args, options=options, **values)

    decorated: Callable[..., Any] = with_options
    for option in reversed(_SUITE_OPTIONS):
        decorated = option(decorated)
    return decorated


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, Any]:
    """``temperature=0.2`` and the like. A value is JSON where it can be, else text."""
    import json

    values: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or not name.strip():
            raise click.UsageError(f"--set {assignment}: write it as NAME=VALUE")
        try:
            values[name.strip()] = json.loads(text)
        except ValueError:
            values[name.strip()] = text
    return values


def find_run(name: str, runs: Path) -> Path:
    from stepeval.api.stored import locate

    return locate(name, runs)
