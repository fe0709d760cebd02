"""A suite as tests: what is asserted, and one run that answers all of it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stepeval.analysis.check_words import details, headline, whole
from stepeval.analysis.checks import Check, Ending, Kind
from stepeval.api.checks import check_run
from stepeval.api.guards import Guard
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.run import RunResult, start_run
from stepeval.api.sources import Sources
from stepeval.core.errors import StepevalError
from stepeval.core.identity import content_id
from stepeval.core.record import Attempt
from stepeval.core.task import Cell, Suite, item_name
from stepeval.suite.places import read_places
from stepeval.suite.selection import select

__all__ = ["Check", "Ending", "Kind", "details", "headline", "whole"]

_RUNS = Path(".stepeval") / "runs"


class Way(StrEnum):
    """Where the answers come from that tests assert."""

    REPLAY = "replay"  # the suite's cassette: no network, no key, no cost
    RECORD = "record"  # the API, into the cassette
    LIVE = "live"  # the API


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """``sample`` is None for what is asserted of a whole arm. ``line`` is where it stands."""

    kind: Kind
    arm: str
    sample: str | None
    line: int | None

    @property
    def name(self) -> str:
        return item_name(self.kind.value if self.sample is None else self.sample, self.arm)


@dataclass(frozen=True, slots=True)
class SuiteTests:
    """``limit``: how many samples the suite wants asked for its tests; None: all."""

    path: Path
    cassette: Path
    limit: int | None
    tests: tuple[SuiteTest, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """``arms`` and ``samples`` are what the chosen tests need; empty: everything.

    ``shared`` is a folder of this session of tests, whichever process of it asks; ``root`` is
    where its suites are.
    """

    tests: SuiteTests
    way: Way
    simulate: bool
    allow_code: bool
    shared: Path
    root: Path
    arms: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """``trouble`` says why there is no run, or why it is not whole. ``mode`` says who answered."""

    checks: dict[tuple[Kind, str, str | None], Check]
    trouble: str | None
    mode: str


def read_tests(path: Path) -> SuiteTests:
    """Raises SuiteError: every mistake of the file."""
    suite, _ = prepare(SuiteOptions(path))
    suite = select(suite, limit=suite.expect.limit)
    cassette = path.parent / "cassettes" / f"{path.stem}.cassette"
    return SuiteTests(path, cassette, suite.expect.limit, tuple(_tests(suite, path)))


def _tests(suite: Suite, path: Path) -> Iterator[SuiteTest]:
    places = read_places(path)
    for sample in suite.samples:
        line = places.sample(sample.id).line
        yield from (SuiteTest(Kind.ITEM, arm.name, sample.id, line) for arm in suite.arms)
    if suite.expect.floor is not None:
        line = places.expectation("score").line
        yield from (SuiteTest(Kind.SCORE, arm.name, None, line) for arm in suite.arms)
    if suite.expect.baseline is not None:
        line = places.expectation("baseline").line
        yield from (SuiteTest(Kind.GATE, arm.name, None, line) for arm in suite.arms)


def tested(request: Request) -> Tested:
    """Runs the suite, unless a process of the same session has: then it takes that run.

    Processes that need it meanwhile wait. One that dies leaves the work to the next.
    """
    name = content_id(str(request.tests.path.resolve()))
    outcome = request.shared / f"{name}.json"
    with _one_at_a_time(request.shared / f"{name}.lock"):
        if not outcome.exists():
            outcome.write_text(json.dumps(_run(request)), "utf-8")
    run, trouble = json.loads(outcome.read_text("utf-8"))
    if run is None:
        return Tested({}, trouble, request.way.value)
    found = check_run(Path(run), request.root)
    info = found.info
    mode = info.mode if info.mode is info.asked_as else f"{info.mode} of {info.asked_as}"
    checks = {(check.kind, check.arm, check.sample): check for check in found.checks}
    return Tested(checks, trouble, str(mode))


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """The kernel drops the lock with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(request: Request) -> tuple[str | None, str | None]:
    """The run's folder, and what is wrong with it."""
    try:
        result = _started(request)
    except StepevalError as error:
        return None, str(error)
    notes = "; ".join(result.notes) if result.exit_code else ""
    return str(result.path.resolve()), result.sentence or notes or None


def _started(request: Request) -> RunResult:
    tests, way = request.tests, request.way
    if way is Way.RECORD:
        tests.cassette.parent.mkdir(exist_ok=True)
    return start_run(
        SuiteOptions(tests.path, limit=tests.limit, arms=request.arms, samples=request.samples),
        folder=request.shared / "runs" if way is Way.REPLAY else _RUNS,
        simulate=request.simulate and way is not Way.REPLAY,
        allow_code=request.allow_code,
        command=f"pytest {tests.path} --stepeval={way}",
        sources=Sources(
            no_cache=True,
            record=tests.cassette if way is Way.RECORD else None,
            replay=tests.cassette if way is Way.REPLAY else None,
            offline=way is Way.REPLAY,
        ),
        guard=Guard(),
        listener=_Silent(),
        announce=lambda _: None,
        say=lambda _: None,
    )


class _Silent:
    """A session of tests says at its end what there is to say."""

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...
