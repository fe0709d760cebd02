"""The simulator as a server of its own."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--speed", type=click.FloatRange(min=0), default=1.0, show_default=True, help="0: no delay."
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Know this suite's answers too.",
)
@click.option("--tier", help="Account limits: V0 to V4.")
@click.option("--concurrency-limit", type=click.IntRange(min=1))
@click.option("--rpm", type=click.IntRange(min=1), help="Requests a minute.")
@click.option("--tpm", type=click.IntRange(min=1), help="Tokens a minute.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME=RATE", help="See docs/simulator.md."
)
@click.option("--require-key", is_flag=True, help="Answer 401 without an Authorization header.")
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Ground truth.")
@click.option("--json", is_flag=True, help="Announce the address as a JSON line.")
@click.option("--run", type=click.Path(path_type=Path), hidden=True)
@click.option("--while-stdin-open", is_flag=True, hidden=True)
def simulate(**options: Any) -> None:
    """Serve a simulated StepFun on loopback, until Ctrl-C.

    It knows the answers of the bundled suites, and gives them at rates that depend on the
    reasoning effort and the item. Point a run at it with --base-url.
    """
    from stepeval.api.serve import ServeOptions, serve

    options["faults"] = dict(_fault(text) for text in options["faults"])
    as_json = options.pop("json")

    def announce(base_url: str) -> None:
        if as_json:
            from json import dumps

            click.echo(dumps({"base_url": base_url}))
        else:
            click.echo(f"SIMULATED StepFun at {base_url}  (Ctrl-C ends it)")

    serve(ServeOptions(**options), announce)


def _fault(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    try:
        return name, float(rate)
    except ValueError:
        raise click.UsageError(f"--fault {text}: write it as NAME=RATE, e.g. 500=0.05") from None
