"""From what a benchmark is asked for to a stored, scored run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.access import all_simulated, find_keys, used_providers
from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.ceiling import known_ceiling
from stepeval.api.bench.conduct import Course, Stage, conduct
from stepeval.api.bench.counting import Vocabulary, count_missing
from stepeval.api.bench.crew import crew
from stepeval.api.bench.enough import too_few
from stepeval.api.bench.job import Engine, Job, LoadListener
from stepeval.api.bench.pace import Pace
from stepeval.api.bench.sender import sender
from stepeval.api.bench.verdict import judge
from stepeval.api.interruption import stopping_on_signals
from stepeval.api.preparation import SuiteOptions, prepare, prepare_text
from stepeval.api.provenance import describe_run
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule, bind_rules, unjudgeable
from stepeval.api.simulation import embedded_simulator
from stepeval.core.chat import FailureKind
from stepeval.core.errors import ExitCode, Problem, RunIncomplete, UsageError
from stepeval.core.identity import content_id
from stepeval.core.load import Bracket, Trial
from stepeval.core.record import Mode
from stepeval.core.task import Suite
from stepeval.execution.collector import rarely_collecting
from stepeval.execution.measure import Share
from stepeval.execution.search import bracket
from stepeval.execution.stop import StopSignal
from stepeval.store.codec import dump
from stepeval.store.run import RunEvent, RunStore, create_run
from stepeval.store.runs import RunsFolder
from stepeval.suite.lengths import parse_lengths
from stepeval.suite.synthetic import synthetic_samples, synthetic_suite

_PULSE_S = 0.5


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """``lengths``: tokens in and out of synthetic prompts, in place of a suite's own, in the words
    of :mod:`stepeval.suite.lengths`.
    """

    suite: SuiteOptions
    ask: LoadAsk
    lengths: tuple[str, str] | None = None
    simulate: bool = False
    allow_code: bool = False
    retries: int = 0
    vocabulary: Vocabulary | None = None


@dataclass(frozen=True, slots=True)
class BenchStart:
    """A benchmark about to begin: told before the first request leaves."""

    path: Path
    suite: Suite
    mode: Mode
    pace: Pace
    warnings: tuple[Problem, ...]
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchResult:
    """``sentence`` says why phases are missing, None where none is. ``found``: between which loads
    the highest within the objectives lies, None where none was looked for.
    """

    path: Path
    exit_code: ExitCode
    sentence: str | None
    found: Bracket | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    path: Path
    job: Job
    rules: tuple[BoundRule, ...]
    listener: LoadListener


def start_bench(
    options: BenchOptions,
    *,
    folder: Path,
    command: str,
    listener: LoadListener,
    announce: Callable[[BenchStart], None],
) -> BenchResult:
    """Measures every load, then scores what came back where the suite has rules.

    Raises:
        SuiteError, UnknownName, UsageError: The input is wrong; nothing was sent.
        ProviderError: No key where one is needed; nothing was sent.
    """
    suite, warnings = _suite(options)
    pace = _pace(options, suite)
    rules = bind_rules(suite, allow_code=options.allow_code)
    mode = Mode.SIMULATED if options.simulate or all_simulated(suite) else Mode.LIVE
    if not options.simulate:
        find_keys(suite)  # what is missing there, before a run is made
    runs, now = RunsFolder(folder), time.time()
    info = describe_run(
        runs.new_id(f"bench {suite.name}", now),
        created_at=now,
        suite_name=suite.name,
        suite_hash=content_id(dump(replace(suite, source=None))),
        mode=mode,
        command=command,
        beside=options.suite.path.resolve() if options.lengths is None else None,
        load=pace.plan,
    )
    job = Job(
        run_id=info.id,
        suite=suite,
        mode=mode,
        providers=used_providers(suite),
        with_keys=not options.simulate,
        pace=pace,
        synthetic=options.lengths is not None,
        max_attempts=options.retries + 1,
    )
    session = _Session(runs.path(info.id), job, rules, listener)
    with create_run(folder, info, suite) as store:
        told = (*warnings, *unjudgeable(suite, rules), *_without_streams(suite))
        hints = tuple(too_few(pace, len(suite.arms)))
        announce(BenchStart(session.path, suite, mode, pace, told, hints))
        return _run(session, store, options.vocabulary, simulate=options.simulate)


def _suite(options: BenchOptions) -> tuple[Suite, tuple[Problem, ...]]:
    if options.lengths is None:
        return prepare(options.suite)
    if options.suite.limit is not None:
        raise UsageError("--limit chooses from a suite's samples; name a suite")
    inputs = parse_lengths(options.lengths[0], "--input-tokens")
    outputs = parse_lengths(options.lengths[1], "--output-tokens")
    suite, warnings = prepare_text(synthetic_suite(), options.suite)
    return replace(
        suite, samples=synthetic_samples(inputs, outputs, seed=suite.seed), source=None
    ), warnings


def _pace(options: BenchOptions, suite: Suite) -> Pace:
    pace = plan_load(replace(options.ask, seed=suite.seed))
    name = None if options.vocabulary is None else options.vocabulary.label
    return replace(
        pace, plan=replace(pace.plan, vocabulary=name, ceiling=known_ceiling(pace.plan.workers))
    )


def _without_streams(suite: Suite) -> Iterator[Problem]:
    for arm in suite.arms:
        if arm.params.get("stream") is not True:
            yield Problem(
                f"arm {arm.name!r} does not stream, so that it has end-to-end times only; "
                "--set stream=true makes it",
                suite.source,
            )


def _run(
    session: _Session, store: RunStore, vocabulary: Vocabulary | None, *, simulate: bool
) -> BenchResult:
    stop = StopSignal()
    with ExitStack() as stack:
        if simulate:
            url = stack.enter_context(embedded_simulator(session.path, seed=session.job.suite.seed))
            moved = tuple(replace(p, base_url=url, headers={}) for p in session.job.providers)
            session = replace(session, job=replace(session.job, providers=moved))
        try:
            with rarely_collecting():
                course = asyncio.run(_measure(session, store, stop, vocabulary))
        except RunIncomplete as error:
            course = Course(stopped=str(error), lost=True)
    event = RunEvent.COMPLETED if course.stopped is None else RunEvent.STOPPED
    store.finish(event, time.time(), course.stopped)
    score_missing(store, session.rules)
    if vocabulary is not None:
        count_missing(store, vocabulary)
    code = _exit_code(course, interrupted=stop.requested)
    found = bracket(course.tried) if session.job.pace.search else None
    return BenchResult(session.path, code, course.stopped, found)


async def _measure(
    session: _Session, store: RunStore, stop: StopSignal, vocabulary: Vocabulary | None
) -> Course:
    def show(number: int, load: float) -> Trial:
        if vocabulary is not None:  # an objective may be on the time a token
            count_missing(store, vocabulary)
        return judge(store.reader(), number, load)

    with stopping_on_signals(stop):
        async with _engine(session, store, stop) as engine:
            stage = Stage(
                pace=session.job.pace,
                engine=engine,
                listener=session.listener,
                stop=stop,
                keep=store.add_phase,
                judge=show,
            )
            beat = asyncio.create_task(_beat(engine, session.listener))
            try:
                return await conduct(stage)
            finally:
                beat.cancel()


async def _beat(engine: Engine, listener: LoadListener) -> None:
    """Whoever watches shall see that it goes on while nothing is answered."""
    while True:
        await asyncio.sleep(_PULSE_S)
        listener.under_way(engine.pulse())


@asynccontextmanager
async def _engine(session: _Session, store: RunStore, stop: StopSignal) -> AsyncIterator[Engine]:
    job, listener = session.job, session.listener
    if job.pace.plan.workers > 1:
        async with crew(job, store, listener, stop) as several:
            yield several
    else:
        async with sender(job, Share(), store, listener, stop) as one:
            yield one


def _exit_code(course: Course, *, interrupted: bool) -> ExitCode:
    if course.lost:
        return ExitCode.INCOMPLETE
    if course.stopped is None:
        if not course.recorded or not course.kept:
            return ExitCode.INCOMPLETE  # nothing was measured, which is no success
        return ExitCode.PROVIDER if course.recorded == course.failed else ExitCode.OK
    if interrupted:
        return ExitCode.INTERRUPTED
    refused = course.fatal is not None and course.fatal.kind is not FailureKind.SIMULATED
    nothing_worked = course.recorded == course.failed
    return ExitCode.PROVIDER if refused or nothing_worked else ExitCode.INCOMPLETE
