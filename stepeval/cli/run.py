"""Commands that send requests, and `score`, which judges what they brought."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from stepeval.cli.answers import answers
from stepeval.cli.gate import decision, gated
from stepeval.cli.options import (
    as_json,
    find_run,
    open_it,
    run_argument,
    runs_folder,
    suite_options,
)
from stepeval.cli.publishing import published
from stepeval.cli.spending import confirmed, guarded

if TYPE_CHECKING:
    from stepeval.api.preparation import SuiteOptions
    from stepeval.api.retry import Wanted
    from stepeval.api.run import RunResult, Start
    from stepeval.cli.progress import LateListener
    from stepeval.cli.publishing import Publish

    _Begin: TypeAlias = Callable[[LateListener, Callable[[Start], None]], RunResult]

_DEMO_CONCURRENCY = 16  # nobody is charged, and nobody likes to wait


def _execution_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        guarded,
        published,
        click.option("--no-report", is_flag=True, help="Do not write the HTML report."),
        open_it,
        click.option("--allow-scorer-code", is_flag=True, help="Run the suite's Python scorers."),
        as_json,
        runs_folder,
    ):
        command = option(command)
    return command


@click.command()
@click.argument("suite", required=False, type=click.Path(path_type=Path))
@click.option("--resume", "resumed", metavar="RUN", help="Finish this run; needs no suite.")
@click.option("--simulate", is_flag=True, help="Use the embedded simulator: no key, no cost.")
@gated
@answers
@confirmed
@suite_options
@_execution_options
def run(suite: Path | None, resumed: str | None, simulate: bool, options: Any, **rest: Any) -> int:
    """Run a suite against its API, score what comes back, write the report.

    Every response is stored before anything else is done with it. Ctrl-C waits for the answers
    under way; a second one does not. `stepeval resume` sends what is missing.
    """
    if (suite is None) == (resumed is None):
        raise click.UsageError("name a suite to run, or a run to --resume; not both")
    if resumed is not None:
        if rest.pop("wish") is not None:
            raise click.UsageError("a resumed run goes on with the gate that it began with")
        return _resume(resumed, trust_base_url=options(Path()).trust_base_url, **rest)
    assert suite is not None
    if simulate and options(suite).base_url is not None:
        raise click.UsageError("--simulate answers by itself; leave out --base-url, or --simulate")
    return _start(options(suite), simulate=simulate, **rest)


@click.command()
@run_argument
@click.option("--trust-base-url", is_flag=True, help="Send to hosts that are not known ones.")
@answers
@confirmed
@_execution_options
def resume(run: str, **options: Any) -> int:
    """Finish an interrupted run: send only what is missing."""
    return _resume(run, **options)


@click.command()
@run_argument
@click.option("--failed", is_flag=True, help="What has no answer, for whatever reason.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="NAME=VALUE",
    help="outcome, failure, arm or sample; repeated: every name, any of a name's values.",
)
@click.option("--trust-base-url", is_flag=True, help="Send to hosts that are not known ones.")
@confirmed
@_execution_options
def retry(run: str, failed: bool, conditions: tuple[str, ...], **options: Any) -> int:
    """Ask some of a run's requests again. The latest answer counts; the earlier ones stay.

    An answer that is asked for again until it pleases is no sample of the model any more.
    """
    from stepeval.api.retry import read_wanted
    from stepeval.api.sources import Sources

    wanted = read_wanted(conditions, failed=failed)
    return _resume(run, wanted=wanted, sources=Sources(no_cache=True), **options)


@click.command()
@suite_options
@_execution_options
def demo(options: Any, **rest: Any) -> int:
    """Run the reasoning-tiers suite on the embedded simulator: no key, no cost, real HTTP."""
    from dataclasses import replace

    from stepeval.api.bundled import bundled_suite
    from stepeval.api.sources import Sources

    chosen = options(bundled_suite("reasoning_tiers"))
    if chosen.concurrency is None:
        chosen = replace(chosen, concurrency=_DEMO_CONCURRENCY)
    return _start(chosen, simulate=True, sources=Sources(), **rest)


@click.command()
@run_argument
@click.option(
    "--suite", type=click.Path(path_type=Path), help="Take the scoring rules of this suite."
)
@click.option("--allow-scorer-code", is_flag=True, help="Run the suite's Python scorers.")
@as_json
@runs_folder
def score(run: str, suite: Path | None, allow_scorer_code: bool, json: bool, runs: Path) -> int:
    """Score a stored run again, without a request. Earlier scorings stay in the store."""
    from stepeval.api.rescore import rescore

    path = find_run(run, runs)
    rescore(path, suite=suite, allow_code=allow_scorer_code)
    _print_summary(path, json=json)
    return 0


def _start(options: "SuiteOptions", *, simulate: bool, runs: Path, **rest: Any) -> int:
    from stepeval.api.provenance import this_command
    from stepeval.api.run import start_run

    def begin(listener: "LateListener", announce: "Callable[[Start], None]") -> "RunResult":
        return start_run(
            options,
            folder=runs,
            simulate=simulate,
            allow_code=rest["allow_scorer_code"],
            command=this_command(),
            sources=rest["sources"],
            guard=rest["guard"](listener.paused, listener.watch),
            listener=listener,
            announce=announce,
            say=listener.say,
            gate=rest.get("wish"),
        )

    return _watch(begin, **rest)


def _resume(
    name: str,
    *,
    runs: Path,
    trust_base_url: bool,
    wanted: "Wanted | None" = None,
    **rest: Any,
) -> int:
    from stepeval.api.run import resume_run

    path = find_run(name, runs)

    def begin(listener: "LateListener", announce: "Callable[[Start], None]") -> "RunResult":
        return resume_run(
            path,
            trust_base_url=trust_base_url,
            allow_code=rest["allow_scorer_code"],
            sources=rest["sources"],
            guard=rest["guard"](listener.paused, listener.watch),
            listener=listener,
            announce=announce,
            say=listener.say,
            wanted=wanted,
        )

    return _watch(begin, **rest)


def _watch(
    begin: "_Begin",
    *,
    json: bool,
    no_report: bool,
    open_it: bool,
    publish: "Publish",
    **_: Any,
) -> int:
    """Shows the run while it goes on, then its summary, then writes the report."""
    result = _with_progress(begin, quiet=json)
    report = None if no_report else _write_report(result.path, open_it=open_it)
    verdict = _print_summary(result.path, json=json, report=report)
    publish(result.path, None)
    _print_ending(result)
    return int(result.exit_code) or verdict


def _print_ending(result: "RunResult") -> None:
    from stepeval.cli.terminal import plain

    for note in result.notes:
        click.echo(plain(note), err=True)
    if result.sentence is not None:
        click.echo(plain(result.sentence), err=True)
        if result.more is not None:
            name = f"{result.path.name}{result.options}"
            click.echo(plain(f"{result.more}: stepeval resume {name}"), err=True)


def _with_progress(begin: "_Begin", *, quiet: bool) -> "RunResult":
    """Lets go of the samples in the end: the summary and the report read their own."""
    from dataclasses import replace

    from stepeval.cli.progress import LateListener, Tally, progress

    listener = LateListener()
    with ExitStack() as stack:

        def announce(start: "Start") -> None:
            _announce(start)
            tally = Tally(replace(start.suite, samples=()), start.mode)
            listener.inner = stack.enter_context(progress(tally, quiet=quiet))

        return begin(listener, announce)


def _announce(start: "Start") -> None:
    from stepeval.cli.terminal import counted, plain

    for warning in start.warnings:
        click.echo(plain(f"warning: {warning}"), err=True)
    suite = start.suite
    counts = [(len(suite.arms), "arm"), (len(suite.samples), "sample"), (suite.epochs, "epoch")]
    product = " x ".join(counted(count, noun) for count, noun in counts)
    requests = counted(suite.cell_count, "request")
    head = f"{start.mode}  {suite.name}: {product} = {requests} -> {start.path}"
    click.echo(plain(head), err=True)
    if start.again is not None:
        click.echo(f"asked again: {counted(start.again, 'request')}", err=True)


def _write_report(path: Path, *, open_it: bool) -> Path:
    from stepeval.api.report import write_report

    report = write_report(path)
    if open_it:
        click.launch(str(report))
    return report


def _print_summary(path: Path, *, json: bool, report: Path | None = None) -> int:
    """Returns the exit code of the run's own gate, 0 where it has none."""
    from stepeval.api.summary import summarise, summary_json

    summary = summarise(path)
    decided = None if summary.info.gate is None else decision(path)
    code = 0 if decided is None else decided.code
    if json:
        from stepeval.cli.terminal import echo_json

        told = {} if decided is None else decided.json()
        shown = {"report": None if report is None else str(report)}
        echo_json({**summary_json(summary), **told, **shown})
        return code
    from dataclasses import replace

    from stepeval.cli.tables import print_summary

    print_summary(replace(summary, stopped=None))  # said at the end, with how to go on
    if decided is not None:
        decided.print()
    if report is not None:
        click.echo(f"report: {report}", file=sys.stdout)
    return code
