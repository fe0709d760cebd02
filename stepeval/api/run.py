"""From a suite to a stored, scored run; from a stored run to the rest of it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.access import all_simulated, find_keys, used_providers
from stepeval.api.interruption import stopping_on_signals
from stepeval.api.limits import limit_gates, most_at_once
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.provenance import describe_run
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule, bind_rules, unjudgeable
from stepeval.api.simulation import embedded_simulator
from stepeval.client.transport import Client
from stepeval.core.chat import FailureKind
from stepeval.core.errors import ExitCode, Problem, UsageError
from stepeval.core.identity import content_id
from stepeval.core.ports import RunListener
from stepeval.core.record import Mode
from stepeval.core.secret import Secret
from stepeval.core.task import Provider, Suite
from stepeval.execution.behind import WriteBehind
from stepeval.execution.collector import rarely_collecting
from stepeval.execution.executor import Execution, execute
from stepeval.execution.expected import Expected, longest_first_at_the_end
from stepeval.execution.limit_gate import patient
from stepeval.execution.stop import StopSignal
from stepeval.store.codec import dump
from stepeval.store.run import RunEvent, RunReader, RunStore, create_run, open_run
from stepeval.store.runs import RunsFolder
from stepeval.suite.grid import cells
from stepeval.suite.requests import make_request


@dataclass(frozen=True, slots=True)
class RunResult:
    """``sentence`` says why a run is not complete; None when it is."""

    path: Path
    exit_code: ExitCode
    sentence: str | None


@dataclass(frozen=True, slots=True)
class _Session:
    """What both a new and a resumed run consist of. ``simulate``: start the simulator for it."""

    path: Path
    suite: Suite
    mode: Mode
    simulate: bool
    keys: Mapping[str, Secret | None]
    rules: tuple[BoundRule, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A run about to begin: told before the first request leaves."""

    path: Path
    suite: Suite
    mode: Mode
    warnings: tuple[Problem, ...]


def start_run(
    options: SuiteOptions,
    *,
    folder: Path,
    simulate: bool,
    allow_code: bool,
    command: str,
    listener: RunListener,
    announce: Callable[[Start], None],
) -> RunResult:
    """Runs the suite and scores what came back.

    Raises:
        SuiteError, UnknownName: The input is wrong; nothing was sent.
        ProviderError: No key where one is needed; nothing was sent.
    """
    suite, warnings = prepare(options)
    rules = bind_rules(suite, allow_code=allow_code)  # what is wrong there, before money is spent
    mode = Mode.SIMULATED if simulate or all_simulated(suite) else Mode.LIVE
    keys = {} if simulate else find_keys(suite)
    runs = RunsFolder(folder)
    now = time.time()
    info = describe_run(
        runs.new_id(suite.name, now),
        created_at=now,
        suite_name=suite.name,
        suite_hash=content_id(dump(replace(suite, source=None))),  # wherever the file stands
        mode=mode,
        command=command,
        beside=options.path.resolve(),
    )
    session = _Session(runs.path(info.id), suite, mode, simulate, keys, rules)
    with create_run(folder, info, suite) as store:
        told = (*warnings, *unjudgeable(suite, rules))
        announce(Start(session.path, suite, mode, told))
        return _finish(session, store, listener)


def resume_run(
    path: Path,
    *,
    trust_base_url: bool,
    allow_code: bool,
    listener: RunListener,
    announce: Callable[[Start], None],
) -> RunResult:
    """Sends what has no final record yet; needs no suite file.

    A run's folder may come from a stranger, so whom its suite trusted counts for nothing here.
    """
    reader = RunReader(path)
    if reader.info().load is not None:
        raise UsageError(
            f"{path.name} is a load benchmark, measured whole or not at all; stepeval show and "
            "stepeval report tell what it recorded"
        )
    stored, mode = reader.suite(), reader.info().mode
    providers = tuple(replace(p, trusted=trust_base_url) for p in stored.providers)
    suite = replace(stored, providers=providers)
    rules = bind_rules(suite, allow_code=allow_code)
    simulate = mode is Mode.SIMULATED and not all_simulated(suite)
    keys = {} if simulate else find_keys(suite)
    session = _Session(path, suite, mode, simulate, keys, rules)
    with open_run(path) as store:
        store.note(RunEvent.RESUMED, time.time())
        announce(Start(path, suite, mode, ()))
        return _finish(session, store, listener)


def _finish(session: _Session, store: RunStore, listener: RunListener) -> RunResult:
    with ExitStack() as stack:
        providers = used_providers(session.suite)
        if session.simulate:
            simulator = embedded_simulator(session.path, seed=session.suite.seed)
            url = stack.enter_context(simulator)
            # The suite keeps the address it names: cells are known by it when the run is resumed.
            providers = tuple(replace(p, base_url=url, headers={}) for p in providers)
        stop = StopSignal()
        with rarely_collecting():
            execution = asyncio.run(_execute(session, store, providers, listener, stop))
    event = RunEvent.COMPLETED if execution.stopped is None else RunEvent.STOPPED
    store.finish(event, time.time(), execution.stopped)
    score_missing(store, session.rules)
    code = _exit_code(execution, interrupted=stop.requested)
    return RunResult(session.path, code, execution.stopped)


async def _execute(
    session: _Session,
    store: RunStore,
    providers: tuple[Provider, ...],
    listener: RunListener,
    stop: StopSignal,
) -> Execution:
    suite, done = session.suite, store.done_cells()
    listener.started(total=suite.cell_count, already_done=len(done))
    missing = (cell for cell in cells(suite) if cell.id not in done)
    most, expected = most_at_once(suite.limits), Expected()
    behind = WriteBehind(store, most=most)
    async with Client(providers, session.keys, mode=session.mode) as client:
        with stopping_on_signals(stop):
            try:
                return await execute(
                    longest_first_at_the_end(missing, expected, 2 * most),
                    make_request=make_request(suite),
                    send=client,
                    writer=behind,
                    listener=listener,
                    limits=replace(suite.limits, concurrency=most),
                    stop=stop,
                    decide=patient,
                    gate=limit_gates(suite, expected, store.add_limit_change),
                )
            finally:
                await behind.flush()


def _exit_code(execution: Execution, *, interrupted: bool) -> ExitCode:
    if execution.stopped is None:
        nothing_worked = 0 < execution.recorded == execution.failed
        return ExitCode.PROVIDER if nothing_worked else ExitCode.OK
    if execution.fatal is not None and execution.fatal.kind is FailureKind.SIMULATED:
        return ExitCode.INCOMPLETE
    return ExitCode.INTERRUPTED if interrupted else ExitCode.PROVIDER
