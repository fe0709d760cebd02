"""`stepeval bench`: how fast a server answers, under a load that is held."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from stepeval.cli.answers import NOT_FOR_A_LOAD
from stepeval.cli.options import as_json, open_it, parse_assignments, runs_folder

if TYPE_CHECKING:
    from stepeval.api.bench.asking import LoadAsk
    from stepeval.api.bench.counting import Vocabulary
    from stepeval.api.bench.session import BenchOptions, BenchResult, BenchStart
    from stepeval.api.preparation import SuiteOptions

_LOAD_OPTIONS = (
    click.option("--concurrency", type=click.IntRange(min=1), help="Requests in flight."),
    click.option("--rate", type=float, help="Requests a second, whatever is in flight."),
    click.option(
        "--arrivals",
        type=click.Choice(["constant", "poisson", "gamma"]),
        help="How a rate's requests are spread.",
    ),
    click.option("--burstiness", type=float, help="Of gamma arrivals; below 1 in bursts."),
    click.option("--ramp", metavar="FROM:TO", help="A rate that rises over --duration."),
    click.option("--sweep", metavar="LOADS", help="One after the other: 1,2,4,8."),
    click.option("--find-rate", metavar="LOW:HIGH", help="The highest rate within --slo."),
    click.option("--replay", metavar="FILE", help="Arrivals of a CSV or JSONL file, or a run."),
    click.option("--replay-speed", type=float, help="2 is twice as fast as recorded."),
    click.option("--replay-unit", type=click.Choice(["s", "ms"]), help="Of a file's times."),
    click.option("--requests", type=click.IntRange(min=1), help="Measured ones, a load."),
    click.option("--duration", metavar="TIME", help="Measured time a load: 30s, 2m."),
    click.option("--warmup", metavar="N|TIME", help="Requests, or time, before that."),
    click.option("--repeats", type=click.IntRange(min=1), default=1, help="Times each load."),
    click.option("--slo", multiple=True, metavar="METRIC=TIME", help="ttft=500ms,e2e=5s"),
    click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes that send."),
    click.option("--unique-prefix", is_flag=True, help="Meet no prompt cache."),
)
_SUITE_OPTIONS = (
    click.option("--input-tokens", metavar="LENGTHS", help="512, normal:512:64, ... (no suite)"),
    click.option("--output-tokens", metavar="LENGTHS", help="128, uniform:64:256, ... (no suite)"),
    click.option("--model", "models", multiple=True, help="Use this model (or these)."),
    click.option("--arm", "arms", multiple=True, metavar="NAME", help="Only this arm."),
    click.option("--limit", type=click.IntRange(min=1), help="Only N samples, drawn at random."),
    click.option(
        "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a parameter."
    ),
    click.option("--seed", type=int, help="Seed of orders, arrivals and synthetic prompts."),
    click.option("--base-url", help="Send everything to this OpenAI-compatible server."),
    click.option("--key-env", metavar="VARIABLE", help="Where the key for --base-url is."),
    click.option("--trust-base-url", is_flag=True, help="Send to hosts that are not known ones."),
    click.option("--simulate", is_flag=True, help="Use the embedded simulator: no key, no cost."),
    click.option("--retries", type=click.IntRange(0, 10), default=0, help="Of a failed request."),
    click.option("--tokenizer", type=click.Path(path_type=Path), help="Count what servers do not."),
    click.option("--allow-scorer-code", is_flag=True, help="Run the suite's Python scorers."),
    click.option("--no-report", is_flag=True, help="Do not write the HTML report."),
    open_it,
    as_json,
    runs_folder,
    click.option("--calibrate", is_flag=True, help="Measure only this machine's own ceiling."),
    click.option("--as-worker", is_flag=True, hidden=True),
)
_LOAD_FIELDS = (
    *("concurrency", "rate", "arrivals", "burstiness", "ramp", "sweep", "find_rate"),
    *("replay_speed", "requests", "duration", "warmup", "repeats", "slo", "workers"),
    "unique_prefix",
)
_SUITE_FIELDS = ("models", "arms", "limit", "seed", "base_url", "key_env", "trust_base_url")


def _with(options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command()
@click.argument("suite", required=False, type=click.Path(path_type=Path))
@_with(_LOAD_OPTIONS)
@_with(_SUITE_OPTIONS)
@_with(NOT_FOR_A_LOAD)
def bench(suite: Path | None, **given: Any) -> int:
    """Measure latency and throughput under load, with a suite's prompts or synthetic ones.

    Give a SUITE, or --model with --input-tokens and --output-tokens. The load is --concurrency
    (requests in flight, 8 if nothing is said) or a rate that waits for no answer. Warm-up and
    drain are not measured. The first Ctrl-C waits for the answers under way and reports what was
    measured; the second does not wait.
    """
    if given["as_worker"]:
        from stepeval.api.bench.worker import work

        work()
        return 0
    if given["calibrate"]:
        return _calibrate(given)
    if given["simulate"] and given["base_url"] is not None:
        raise click.UsageError("--simulate answers by itself; leave out --base-url, or --simulate")
    return _show(_options(suite, given), given)


def _options(suite: Path | None, given: dict[str, Any]) -> "BenchOptions":
    from stepeval.api.bench.session import BenchOptions

    return BenchOptions(
        suite=_suite_options(suite, given),
        ask=_ask(given),
        lengths=_lengths(suite, given),
        simulate=given["simulate"],
        allow_code=given["allow_scorer_code"],
        retries=given["retries"],
        vocabulary=_vocabulary(given["tokenizer"]),
    )


def _suite_options(suite: Path | None, given: dict[str, Any]) -> "SuiteOptions":
    from stepeval.api.preparation import SuiteOptions

    parameters = parse_assignments(given["assignments"])
    chosen = {name: given[name] for name in _SUITE_FIELDS}
    return SuiteOptions(suite or Path("synthetic"), parameters=parameters, **chosen)


def _ask(given: dict[str, Any]) -> "LoadAsk":
    from stepeval.api.bench.asking import LoadAsk
    from stepeval.api.bench.trace import recorded_arrivals

    replay = given["replay"]
    unit = given["replay_unit"]
    if replay is None and unit is not None:
        raise click.UsageError("--replay-unit goes with --replay")
    trace = None if replay is None else recorded_arrivals(replay, given["runs"], unit=unit)
    return LoadAsk(trace=trace, **{name: given[name] for name in _LOAD_FIELDS})


def _lengths(suite: Path | None, given: dict[str, Any]) -> tuple[str, str] | None:
    inputs, outputs = given["input_tokens"], given["output_tokens"]
    if suite is not None:
        if inputs is not None or outputs is not None:
            raise click.UsageError("--input-tokens and --output-tokens are for a run without SUITE")
        return None
    if not given["models"] or inputs is None or outputs is None:
        raise click.UsageError(
            "name a suite, or give --model, --input-tokens and --output-tokens for prompts made up"
        )
    return inputs, outputs


def _vocabulary(path: Path | None) -> "Vocabulary | None":
    if path is None:
        return None
    from stepeval.api.bench.counting import open_vocabulary

    return open_vocabulary(path)


def _show(options: "BenchOptions", given: dict[str, Any]) -> int:
    """Shows the benchmark while it goes on, then its summary, then writes the report."""
    from stepeval.api.bench.session import start_bench
    from stepeval.api.provenance import this_command
    from stepeval.cli.load_announcement import announce
    from stepeval.cli.load_progress import LoadProgress

    with ExitStack() as stack:
        progress = stack.enter_context(LoadProgress(quiet=given["json"]))

        def tell(start: "BenchStart") -> None:
            announce(start, retries=options.retries)
            progress.begin(start.suite, start.mode, start.pace)

        result = start_bench(
            options,
            folder=given["runs"],
            command=this_command(),
            listener=progress,
            announce=tell,
        )
    return _tell(result, given)


def _tell(result: "BenchResult", given: dict[str, Any]) -> int:
    from stepeval.cli.terminal import plain

    report = None
    if not given["no_report"]:
        from stepeval.api.report import write_report

        report = write_report(result.path)
        if given["open_it"]:
            click.launch(str(report))
    _print_results(result, json=given["json"], report=report)
    if result.sentence is not None:
        click.echo(plain(f"ended before time: {result.sentence}"), err=True)
    return int(result.exit_code)


def _print_results(result: "BenchResult", *, json: bool, report: Path | None) -> None:
    from stepeval.api.load_summary import load_headline, load_json, load_summary

    summary = load_summary(result.path)
    if json:
        from stepeval.cli.load_search import search_json
        from stepeval.cli.terminal import echo_json

        told = {**search_json(result.found), "report": None if report is None else str(report)}
        echo_json({**load_json(summary), **told})
        return
    from stepeval.cli.load_tables import print_load

    print_load(summary)
    if report is not None:
        click.echo(f"report: {report}")
    if result.found is not None:
        from stepeval.cli.load_search import search_words

        click.echo(f"highest rate within the objectives: {search_words(result.found)}")
    from stepeval.cli.terminal import plain

    click.echo(plain(load_headline(summary) or "nothing was measured"))


def _calibrate(given: dict[str, Any]) -> int:
    _refuse_all_but("--calibrate", "--workers", "--json")
    from stepeval.api.bench.ceiling import calibrate, ceiling_file

    ceiling = calibrate(given["workers"])
    if given["json"]:
        from dataclasses import asdict

        from stepeval.cli.terminal import echo_json

        echo_json(asdict(ceiling))
        return 0
    workers = "1 worker" if ceiling.workers == 1 else f"{ceiling.workers} workers"
    click.echo(
        f"with {workers}: {ceiling.requests_per_s:,.0f} requests/s; {ceiling.chunks_per_s:,.0f} "
        f"chunks/s, {ceiling.cpu_us_per_chunk:.1f} us of processor a chunk"
    )
    click.echo(f"kept in {ceiling_file()}; later benchmarks are held against it")
    return 0


def _refuse_all_but(*options: str) -> None:
    """What a calibration would pass over in silence is told."""
    context = click.get_current_context()
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if source is ParameterSource.COMMANDLINE and one.opts[0] not in options:
            name = one.opts[0] if isinstance(one, click.Option) else "a suite"
            raise click.UsageError(
                "--calibrate measures this machine against a server of its own: it takes "
                f"--workers and --json, and not {name}"
            )
