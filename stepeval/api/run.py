"""From a suite to a stored, scored run; from a stored run to the rest of it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.access import all_simulated, find_keys, used_providers
from stepeval.api.doubts import price_doubts
from stepeval.api.gate_wish import GateWish
from stepeval.api.gating import prepare_gate, stopping_rounds, stopping_sources
from stepeval.api.guards import Guard, Guards, ask_first, ask_rest, check_prices, within
from stepeval.api.interruption import stopping_on_signals
from stepeval.api.limits import limit_gates, most_at_once
from stepeval.api.offline import no_sockets
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.provenance import describe_run
from stepeval.api.remembered import Replay, Source
from stepeval.api.rescore import score_missing
from stepeval.api.retry import Wanted, chosen_cells
from stepeval.api.rounds import Rounds, Whole, execute_all
from stepeval.api.scoring import BoundRule, bind_rules, unjudgeable
from stepeval.api.simulation import embedded_simulator
from stepeval.api.sources import (
    Sources,
    check_resumable,
    check_retriable,
    remembering,
    with_origin,
)
from stepeval.client.transport import Client
from stepeval.core.baseline import Baseline
from stepeval.core.chat import FailureKind
from stepeval.core.errors import ExitCode, Problem, StoreError, UsageError
from stepeval.core.identity import content_id
from stepeval.core.ports import RunListener
from stepeval.core.record import Mode, RunInfo
from stepeval.core.secret import Secret
from stepeval.core.task import Budget, Cell, Limits, Provider, Suite
from stepeval.execution.behind import WriteBehind
from stepeval.execution.collector import rarely_collecting
from stepeval.execution.executor import Execution, execute
from stepeval.execution.expected import Expected, longest_first_at_the_end
from stepeval.execution.gate import Gates
from stepeval.execution.retry import at_once
from stepeval.execution.stop import StopSignal
from stepeval.store.cassette import Cassette
from stepeval.store.codec import dump
from stepeval.store.run import RunEvent, RunReader, RunStore, create_run, open_run
from stepeval.store.runs import RunsFolder
from stepeval.store.unsettled import Unsettled
from stepeval.suite.requests import make_request


@dataclass(frozen=True, slots=True)
class RunResult:
    """``sentence`` says why a run is not complete; None when it is. ``notes`` are for the user,
    ``options`` are what a resumed run must be told again, ``more`` what it would do; None where it
    would come to the same end.
    """

    path: Path
    exit_code: ExitCode
    sentence: str | None
    notes: tuple[str, ...] = ()
    options: str = ""
    more: str | None = "what is missing is sent by"


@dataclass(frozen=True, slots=True)
class _Session:
    """What both a new and a resumed run consist of. ``simulate``: start the simulator for it.

    ``again``: only these cells are sent, though they have their record. ``lacking``: these are,
    too, since a cassette needs them. ``baseline``: what the run is gated against. ``say`` gets a
    line of what is decided while the run goes on.
    """

    path: Path
    suite: Suite
    info: RunInfo
    simulate: bool
    keys: Mapping[str, Secret | None]
    rules: tuple[BoundRule, ...]
    guard: Guard
    sources: Sources
    cassette: Cassette | None
    say: Callable[[str], None]
    again: frozenset[str] | None = None
    lacking: frozenset[str] = frozenset()
    baseline: Baseline | None = None

    @property
    def mode(self) -> Mode:
        return self.info.mode


@dataclass(frozen=True, slots=True)
class Start:
    """A run about to begin: told before the first request leaves.

    ``again``: how many of its answers are asked for once more; None where the missing ones are.
    """

    path: Path
    suite: Suite
    mode: Mode
    warnings: tuple[Problem, ...]
    again: int | None = None


def start_run(
    options: SuiteOptions,
    *,
    folder: Path,
    simulate: bool,
    allow_code: bool,
    command: str,
    sources: Sources,
    guard: Guard,
    listener: RunListener,
    announce: Callable[[Start], None],
    say: Callable[[str], None],
    gate: GateWish | None = None,
) -> RunResult:
    """Runs the suite and scores what came back.

    Raises:
        SuiteError, UnknownName: The input is wrong; nothing was sent.
        UsageError: The budget cannot be held, the sources contradict each other, a cassette is
            none, or nothing can be gated so; nothing was sent.
        ProviderError: No key where one is needed; nothing was sent.
    """
    suite, warnings = prepare(options)
    sources.check(suite, simulate=simulate)
    cassette = sources.cassette()
    suite = within(suite, guard.budget)
    suite_hash = _suite_hash(suite)
    gating = prepare_gate(suite, gate, folder)
    suite, sources = gating.suite, stopping_sources(sources, gating.plan)
    rules = bind_rules(suite, allow_code=allow_code)  # what is wrong there, before money is spent
    simulated = simulate or (not sources.silent and all_simulated(suite))
    mode = Mode.SIMULATED if simulated else Mode.LIVE
    keys: Mapping[str, Secret | None] = {}
    if not sources.silent:  # else nothing can be spent
        check_prices(suite, mode)
        keys = {} if simulate else find_keys(suite)
        ask_first(suite, mode, guard, folder)
    runs = RunsFolder(folder)
    now = time.time()
    info = describe_run(
        runs.new_id(suite.name, now),
        created_at=now,
        suite_name=suite.name,
        suite_hash=suite_hash,
        mode=mode,
        command=command,
        beside=options.path.resolve(),
    )
    info = replace(with_origin(info, sources, cassette), gate=gating.plan)
    session = _Session(
        *(runs.path(info.id), suite, info, simulate, keys, rules, guard, sources, cassette, say),
        baseline=gating.baseline,
    )
    with create_run(folder, info, suite, gating.baseline) as store:
        told = (*warnings, *price_doubts(suite, mode), *unjudgeable(suite, rules))
        told = (*told, *gating.warnings(info))
        return _go(session, store, listener, lambda more: announce(_start(session, told, more)))


def _start(session: _Session, warnings: tuple[Problem, ...], more: tuple[str, ...]) -> Start:
    told = (*warnings, *map(Problem, more))
    again = None if session.again is None else len(session.again)
    return Start(session.path, session.suite, session.mode, told, again)


def _suite_hash(suite: Suite) -> str:
    """Of what is asked: wherever the file stands, whatever it may cost, however fast it goes,
    whoever has the answers, whatever is expected of them.
    """
    limits = Limits(max_attempts=suite.limits.max_attempts)
    content = dump(replace(suite, source=None, budget=Budget(), limits=limits))
    for unasked in ("budget", "cache", "asides", "expect"):
        del content[unasked]
    return content_id(content)


def resume_run(
    path: Path,
    *,
    trust_base_url: bool,
    allow_code: bool,
    sources: Sources,
    guard: Guard,
    listener: RunListener,
    announce: Callable[[Start], None],
    say: Callable[[str], None],
    wanted: Wanted | None = None,
) -> RunResult:
    """Sends what has no final record yet, or what of it is ``wanted`` again; needs no suite file.

    A run's folder may come from a stranger, so whom its suite trusted counts for nothing here.
    """
    reader = RunReader(path)
    if reader.info().load is not None:
        raise UsageError(
            f"{path.name} is a load benchmark, measured whole or not at all; stepeval show and "
            "stepeval report tell what it recorded"
        )
    info, stored = reader.info(), reader.suite()
    sources.check(stored)
    sources = stopping_sources(sources, info.gate)
    cassette = sources.cassette()
    if wanted is None:
        check_resumable(info, sources, cassette, begun=reader.status().attempts > 0)
    else:
        check_retriable(info)
    providers = tuple(replace(p, trusted=trust_base_url) for p in stored.providers)
    suite = within(replace(stored, providers=providers), guard.budget)
    rules = bind_rules(suite, allow_code=allow_code)
    is_asked = info.mode is Mode.SIMULATED and not sources.silent
    simulate = is_asked and not all_simulated(suite)
    keys: Mapping[str, Secret | None] = {}
    if not sources.silent:
        check_prices(suite, info.mode)
        keys = {} if simulate else find_keys(suite)
    session = _Session(
        *(path, suite, info, simulate, keys, rules, guard, sources, cassette, say),
        baseline=reader.baseline(),
    )
    with open_run(path) as store:
        told: tuple[Problem, ...] = tuple(price_doubts(suite, info.asked_as))
        if wanted is not None:
            session = replace(session, again=chosen_cells(store.reader(), wanted))
            if not session.again:
                told = (*told, Problem(f"no answer of {path.name} has {wanted}: nothing is sent"))
        return _go(
            *(session, store, listener, lambda more: announce(_start(session, told, more))),
            begin=lambda lacking: _begin_again(session, store, lacking, stored.budget, wanted),
        )


def _go(
    session: _Session,
    store: RunStore,
    listener: RunListener,
    announce: Callable[[tuple[str, ...]], None],
    begin: Callable[[set[str]], None] = lambda _: None,
) -> RunResult:
    """``announce`` is called with what the run's memory warns of, ``begin`` before it, with the
    cells whose answers that memory lacks.
    """
    sources, begun = session.sources, bool(store.done_cells())
    known = (session.suite, session.info, session.path, session.cassette)
    remembered = remembering(sources, *known, begun=begun)
    with no_sockets(sources.offline), remembered as source:
        lacking = source.lacking(store.done_cells())
        begin(lacking)
        store.reopen(lacking)
        told = f"{len(lacking)} answers are not in the recording, and are asked for again"
        announce((*source.warnings(), *([told] if lacking else [])))
        session = replace(session, lacking=frozenset(lacking))
        result = _finish(session, store, source, listener)
        try:
            notes = source.ended(store.done_cells(), complete=result.sentence is None)
        except StoreError as error:
            return replace(result, notes=(str(error),), exit_code=ExitCode.INCOMPLETE)
        return replace(result, notes=notes, options=sources.again())


def _begin_again(
    session: _Session, store: RunStore, lacking: set[str], before: Budget, wanted: Wanted | None
) -> None:
    """Asks first: a no leaves the stored run as it was. ``before`` is its stored budget."""
    suite = session.suite
    if not session.sources.silent:
        todo = Whole(suite, frozenset(store.done_cells() - lacking), session.again).following()
        ask_rest(suite, session.info, session.guard, session.path.parent, todo or ())
    if suite.budget != before:
        store.keep_budget(suite.budget, time.time())
    if wanted is None:
        store.note(RunEvent.RESUMED, time.time())
    else:
        store.reopen(session.again or ())
        store.note(RunEvent.RETRIED, time.time(), str(wanted))


def _finish(session: _Session, store: RunStore, source: Source, listener: RunListener) -> RunResult:
    with ExitStack() as stack:
        providers = () if session.sources.silent else used_providers(session.suite)
        if session.simulate:
            simulator = embedded_simulator(session.path, seed=session.suite.seed)
            url = stack.enter_context(simulator)
            # The suite keeps the address it names: cells are known by it when the run is resumed.
            providers = tuple(replace(p, base_url=url, headers={}) for p in providers)
        stop = StopSignal()
        unsettled: Unsettled | None = None
        if session.suite.budget.bounds_anything:
            arms = [arm.name for arm in session.suite.every_arm]
            unsettled = stack.enter_context(Unsettled(session.path, arms))
        with rarely_collecting():
            coming = _execute(
                *(session, store, source, providers),
                unsettled=unsettled, listener=listener, stop=stop,
            )  # fmt: skip
            execution = asyncio.run(coming)
    event = RunEvent.COMPLETED if execution.stopped is None else RunEvent.STOPPED
    store.finish(event, time.time(), execution.stopped)
    score_missing(store, session.rules)
    code = _exit_code(execution, interrupted=stop.requested)
    result = RunResult(session.path, code, execution.stopped)
    if isinstance(source, Replay):
        more = None if execution.shut else "the rest is replayed by"
        return replace(result, more=more)
    return result


async def _execute(
    session: _Session,
    store: RunStore,
    source: Source,
    providers: tuple[Provider, ...],
    *,
    unsettled: Unsettled | None,
    listener: RunListener,
    stop: StopSignal,
) -> Execution:
    suite = session.suite
    rounds = _rounds(session, store)
    already_done = rounds.done
    guards = Guards(
        suite, session.info.asked_as, store, stop, guard=session.guard, unsettled=unsettled
    )
    decide = at_once(guards.decide) if isinstance(source, Replay) else guards.decide
    most, expected = most_at_once(suite.limits), Expected()
    limits = limit_gates(suite, expected, store.add_limit_change, store.reader().limit_changes())
    behind = WriteBehind(guards.writing(store), most=most)
    record = session.sources.record is not None
    async with Client(providers, session.keys, mode=session.mode, record=record) as client:

        async def execute_round(todo: Iterable[Cell]) -> Execution:
            listener.started(total=rounds.total, already_done=rounds.done)
            if not session.info.may_stop:  # else what is compared stays side by side
                todo = longest_first_at_the_end(todo, expected, 2 * most)
            try:
                return await execute(
                    todo,
                    make_request=make_request(suite),
                    send=client,
                    writer=behind,
                    listener=listener,
                    limits=replace(suite.limits, concurrency=most),
                    stop=stop,
                    decide=decide,
                    gate=Gates((*guards.gates, limits)),
                    memory=source,
                )
            finally:
                await behind.flush()

        with stopping_on_signals(stop), guards.on_time():
            execution = await execute_all(rounds, execute_round)
    left = rounds.total - already_done - execution.recorded
    return replace(execution, stopped=guards.reason(execution, left=left, total=rounds.total))


def _rounds(session: _Session, store: RunStore) -> Rounds:
    plan, done = session.info.gate, frozenset(store.done_cells() - session.lacking)
    if plan is None or not plan.may_stop:
        return Whole(session.suite, done, session.again)
    if session.lacking:
        raise UsageError(
            f"{session.info.id} has answers that are not in its recording, and asking them again "
            "would change what it stops by: record a run of its own"
        )
    return stopping_rounds(
        session.suite, store, session.rules, plan, session.baseline, say=session.say
    )


def _exit_code(execution: Execution, *, interrupted: bool) -> ExitCode:
    if execution.stopped is None:
        nothing_worked = 0 < execution.recorded == execution.failed
        return ExitCode.PROVIDER if nothing_worked else ExitCode.OK
    if execution.fatal is not None and execution.fatal.kind is FailureKind.SIMULATED:
        return ExitCode.INCOMPLETE
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.INCOMPLETE if execution.shut else ExitCode.PROVIDER
