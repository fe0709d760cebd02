"""The simulator as a server of its own."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

_ONLY_NULL = frozenset({"latency_ms", "ttft_ms", "gap_ms", "chunks"})
_ONLY_PLAIN = frozenset(
    {"seed", "speed", "suites", "tier", "concurrency_limit", "rpm", "tpm", "faults", "require_key"}
    | {"run"}
)


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
@click.option("--null", is_flag=True, help="Always the same answer, as cheaply as can be.")
@click.option("--latency-ms", type=click.FloatRange(min=0), help="--null: of a plain answer.")
@click.option("--ttft-ms", type=click.FloatRange(min=0), help="--null: to a stream's first chunk.")
@click.option("--gap-ms", type=click.FloatRange(min=0), help="--null: from chunk to chunk.")
@click.option("--chunks", type=click.IntRange(min=1), help="--null: of a stream.")
@click.option("--json", is_flag=True, help="Announce the address as a JSON line.")
@click.option("--run", type=click.Path(path_type=Path), hidden=True)
@click.option("--while-stdin-open", is_flag=True, hidden=True)
def simulate(**options: Any) -> None:
    """Serve a simulated StepFun on loopback, until Ctrl-C.

    It knows the answers of the bundled suites, and gives them at rates that depend on the
    reasoning effort and the item. Point a run at it with --base-url.
    """
    from stepeval.api.serve import NullOptions, ServeOptions, serve, serve_null

    as_json, null = options.pop("json"), options.pop("null")
    _refuse(_ONLY_PLAIN if null else _ONLY_NULL, null=null)

    def announce(base_url: str) -> None:
        if as_json:
            from json import dumps

            click.echo(dumps({"base_url": base_url}))
        else:
            click.echo(f"SIMULATED StepFun at {base_url}  (Ctrl-C ends it)")

    if null:
        fit = {n: value for n, value in options.items() if n not in _ONLY_PLAIN}
        given = {name: value for name, value in fit.items() if value is not None}
        serve_null(NullOptions(**given), announce)
        return
    options["faults"] = dict(_fault(text) for text in options["faults"])
    serve(ServeOptions(**{n: v for n, v in options.items() if n not in _ONLY_NULL}), announce)


def _refuse(names: frozenset[str], *, null: bool) -> None:
    """The options that would have no effect: to ignore one in silence is to lie."""
    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is ParameterSource.COMMANDLINE:
            why = "has no meaning with --null" if null else "needs --null"
            raise click.UsageError(f"{option.opts[0]} {why}")


def _fault(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    try:
        return name, float(rate)
    except ValueError:
        raise click.UsageError(f"--fault {text}: write it as NAME=RATE, e.g. 500=0.05") from None
