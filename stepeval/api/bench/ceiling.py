"""How fast this machine's client is when the server is not what it waits for."""

import asyncio
import os
import stat
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import NamedTemporaryFile

from stepeval.api.bench.crew import crew
from stepeval.api.bench.job import Engine, Job, Order, PhaseEnd
from stepeval.api.bench.pace import Pace
from stepeval.api.bench.sender import sender
from stepeval.api.simulation import null_server
from stepeval.core.chat import Message, Response
from stepeval.core.load import Ceiling, LoadPlan, Shape
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.execution.collector import rarely_collecting
from stepeval.execution.measure import Share
from stepeval.execution.stop import StopSignal
from stepeval.store.codec import dump, from_text, to_text

_CHUNKS = 128  # of a stream: so many that the request around them hardly counts
_GAP_MS = 1.0  # shorter than any client keeps up with on so many streams
_IN_FLIGHT = 64  # for each worker
_SECONDS = 3.0
_WARMUP_S = 0.5
_LARGEST_FILE = 1 << 16


def calibrate(workers: int) -> Ceiling:
    """Measures for some ten seconds, and keeps the result for later benchmarks.

    The null server shares the machine, so that its ceiling counts as well: the truth is at least
    what is told here. Processor time is the client's alone.
    """
    plain, _ = _against_null(workers, stream=False)
    streamed, cpu_s = _against_null(workers, stream=True)
    ceiling = Ceiling(
        requests_per_s=plain.answers_in_window / plain.window_s,
        chunks_per_s=streamed.chunks_in_window / streamed.window_s,
        cpu_us_per_chunk=cpu_s * 1e6 / max(streamed.chunks, 1),
        workers=workers,
        measured_at=time.time(),
    )
    _keep(ceiling)
    return ceiling


def known_ceiling(workers: int) -> Ceiling | None:
    """The latest calibration's with as many workers; None where there was none."""
    return _kept().get(str(workers))


def _kept() -> Mapping[str, Ceiling]:
    """By the number of workers; empty where the file is none of ours."""
    try:
        with open(ceiling_file(), encoding="utf-8", opener=_only_look) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {}
            return from_text(Mapping[str, Ceiling], file.read(_LARGEST_FILE))  # type: ignore[type-abstract]  # the codec reads hints
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _only_look(path: str, flags: int) -> int:
    """A FIFO in the file's place would be waited for, for ever; a link leads who knows where."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def ceiling_file() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "stepeval" / "ceiling.json"


def _keep(ceiling: Ceiling) -> None:
    path = ceiling_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Such a file is its owner's alone, and so is what it replaces.
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        kept = {**_kept(), str(ceiling.workers): ceiling}
        file.write(to_text({name: dump(each) for name, each in kept.items()}))
    Path(file.name).replace(path)


class _Counter:
    """A RecordWriter and RunListener that keeps counts, and not a single record."""

    def __init__(self) -> None:
        self.chunks = 0
        self._done_ns: list[int] = []
        self._arrivals_ns: list[int] = []
        self.window_s = 0.0
        self.answers_in_window = 0
        self.chunks_in_window = 0

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        del cell, final
        result = attempt.exchange.result
        if isinstance(result, Response):
            self.chunks += len(result.timing.chunks)
            self._done_ns.append(attempt.ended_ns)
            self._arrivals_ns.extend(chunk.arrival_ns for chunk in result.timing.chunks)

    def sum_up(self, end: PhaseEnd) -> None:
        def inside(moments: list[int]) -> int:
            return sum(end.steady_ns <= moment < end.end_ns for moment in moments)

        self.window_s = (end.end_ns - end.steady_ns) / 1e9
        self.answers_in_window = inside(self._done_ns)
        self.chunks_in_window = inside(self._arrivals_ns)

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None: ...


def _against_null(workers: int, *, stream: bool) -> tuple[_Counter, float]:
    """Counts, and the client's processor time in seconds."""
    with null_server(chunks=_CHUNKS, gap_ms=_GAP_MS) as url:
        counter = _Counter()
        with rarely_collecting():
            end = asyncio.run(_measure(_job(url, workers, stream=stream), counter))
        counter.sum_up(end)
        return counter, sum(health.cpu_s for health in end.health)


async def _measure(job: Job, counter: _Counter) -> PhaseEnd:
    stop = StopSignal()
    engine: AbstractAsyncContextManager[Engine] = (
        crew(job, counter, counter, stop)
        if job.pace.plan.workers > 1
        else sender(job, Share(), counter, counter, stop)
    )
    async with engine as ready:
        begin_ns = time.monotonic_ns() + 300_000_000
        return await ready.measure(Order(0, 0, job.pace.plan.loads[0], begin_ns, 0))


def _job(url: str, workers: int, *, stream: bool) -> Job:
    provider = Provider("null", url)
    arm = Arm("null", "null", "null", "plain", {"stream": stream})
    prompt = Prompt("plain", (Message("user", "{{ input }}"),))
    suite = Suite("ceiling", (provider,), (prompt,), (Sample("0", "hi"),), (arm,))
    in_flight = float(_IN_FLIGHT * workers)
    plan = LoadPlan(Shape.CLOSED, (in_flight,), None, _SECONDS, "", workers=workers)
    return Job("ceiling", suite, Mode.SIMULATED, (provider,), False, Pace(plan, warm_s=_WARMUP_S))
