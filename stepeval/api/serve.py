"""The simulator as a server, knowing the answers of suites."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepeval.api.bundled import bundled_suites
from stepeval.core.errors import UnknownName
from stepeval.core.models import account_tiers
from stepeval.core.ports import MakeRequest
from stepeval.core.task import Arm, Cell, Sample, Suite
from stepeval.simulator.answers import AnswerKey, Entry, key_of
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.limits import AccountLimits
from stepeval.simulator.null import NullConfig, NullServer
from stepeval.simulator.server import Simulator
from stepeval.simulator.speed import Speed
from stepeval.store.run import RunReader
from stepeval.suite.requests import make_request

_USUAL_DIFFICULTY = 0.4


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """``run``: know the suite of this stored run only, and keep the ground truth beside it.

    ``while_stdin_open``: end when whoever started this process has gone.
    """

    port: int = 0
    seed: int = 0
    speed: float = 1.0
    suites: tuple[Path, ...] = ()
    tier: str | None = None
    concurrency_limit: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    faults: Mapping[str, float] = field(default_factory=dict)
    require_key: bool = False
    log: Path | None = None
    run: Path | None = None
    while_stdin_open: bool = False


@dataclass(frozen=True, slots=True)
class NullOptions:
    """See :class:`stepeval.simulator.null.NullConfig`."""

    port: int = 0
    latency_ms: float = 0.0
    ttft_ms: float = 0.0
    gap_ms: float = 0.0
    chunks: int = 16
    log: Path | None = None
    while_stdin_open: bool = False


def serve(options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Serves on loopback until interrupted; ``announce`` gets the base URL once it listens."""
    suites = _known_suites(options)
    config = SimulatorConfig(
        seed=options.seed,
        speed=Speed(scale=options.speed),
        limits=_limits(options),
        fault_rates=options.faults,
        truth_log=options.run / "truth.jsonl" if options.run else options.log,
        require_key=options.require_key,
        models=tuple({arm.model for suite in suites for arm in suite.arms}),
    )
    simulator = Simulator(config, answer_key(suites))
    asyncio.run(_serve(simulator, options, announce))


def serve_null(options: NullOptions, announce: Callable[[str], None]) -> None:
    """As :func:`serve`, but with a server that takes as little of the machine as it can."""
    config = NullConfig(
        latency_ms=options.latency_ms,
        ttft_ms=options.ttft_ms,
        gap_ms=options.gap_ms,
        chunks=options.chunks,
        truth_log=options.log,
    )
    _allow_many_files()
    asyncio.run(_serve(NullServer(config), options, announce))


def _allow_many_files() -> None:
    """A thousand connections are more than many a shell allows at first."""
    with suppress(ImportError, OSError, ValueError):  # not on every system, not to everyone
        import resource  # noqa: PLC0415 -- Unix only

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(
    server: Simulator | NullServer,
    options: ServeOptions | NullOptions,
    announce: Callable[[str], None],
) -> None:
    bound = await server.start(port=options.port)
    announce(f"http://127.0.0.1:{bound}/v1")
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if options.while_stdin_open:
        loop.add_reader(sys.stdin, ended.set)  # readable only at its end: nobody writes to it
    await ended.wait()
    await server.close()


def answer_key(suites: Iterable[Suite]) -> AnswerKey:
    """What the suites' prompts, rendered, are answered with when the answer is right."""
    key: dict[str, Entry] = {}
    for suite in suites:
        make = make_request(suite)
        for prompt in suite.prompts:
            arm = Arm("", suite.providers[0].name, "", prompt.id)
            for sample in suite.samples:
                key[_asked(make, Cell("", arm, sample))] = _entry(sample)
    return key


def _asked(make: MakeRequest, cell: Cell) -> str:
    messages = make(cell).messages
    return key_of([{"role": m.role, "content": m.content} for m in messages])


def _entry(sample: Sample) -> Entry:
    """``metadata.reference`` is an answer that passes, where the target is not one itself."""
    answer = sample.metadata.get("reference", sample.target)
    difficulty = sample.metadata.get("difficulty")
    if isinstance(difficulty, bool) or not isinstance(difficulty, int | float):
        difficulty = _USUAL_DIFFICULTY
    return Entry(
        target_text=answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False),
        difficulty=min(max(float(difficulty), 0.0), 1.0),
        choices=sample.choices,
        kind=str(sample.metadata.get("kind", "text")),
    )


def _known_suites(options: ServeOptions) -> list[Suite]:
    if options.run is not None:
        return [RunReader(options.run).suite()]
    from stepeval.api.preparation import (  # noqa: PLC0415 -- files need pydantic, runs do not
        SuiteOptions,
        prepare,
    )

    files = [*bundled_suites().values(), *options.suites]
    return [prepare(SuiteOptions(file))[0] for file in files]


def _limits(options: ServeOptions) -> AccountLimits | None:
    tier: Mapping[str, Any] = {}
    if options.tier is not None:
        tiers = account_tiers()
        if options.tier not in tiers:
            raise UnknownName("account tier", options.tier, tiers)
        tier = tiers[options.tier]
    chosen = AccountLimits(
        concurrency=options.concurrency_limit or tier.get("concurrency"),
        requests_per_minute=options.rpm or tier.get("requests_per_minute"),
        tokens_per_minute=options.tpm or tier.get("tokens_per_minute"),
    )
    return None if chosen == AccountLimits() else chosen
