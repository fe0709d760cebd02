"""A load benchmark: what was asked of it, and what went on while it was measured."""

from dataclasses import dataclass
from enum import StrEnum

# What the sample of a made-up prompt says, in its metadata, of the lengths it shall have in tokens.
ASKED_INPUT, ASKED_OUTPUT = "synthetic_input_tokens", "synthetic_output_tokens"


class Shape(StrEnum):
    CLOSED = "closed"  # so many requests in flight: the next one leaves when one has ended
    CONSTANT = "constant"  # open loop from here on: arrivals do not wait for answers
    POISSON = "poisson"
    GAMMA = "gamma"
    RAMP = "ramp"
    REPLAY = "replay"


FIXED_RATE = (Shape.CONSTANT, Shape.POISSON, Shape.GAMMA)


class Verdict(StrEnum):
    """Whether a load was held within the objectives; too few requests can tell neither."""

    KEPT = "kept"
    BROKEN = "broken"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Trial:
    """A load, and what its ``n`` requests showed. ``share``: of them within every objective, None
    where nothing was measured; ``answered``: answers per request that was due, in the window.
    """

    load: float
    verdict: Verdict
    share: float | None = None
    n: int = 0
    answered: float | None = None


@dataclass(frozen=True, slots=True)
class Bracket:
    """What a search came to. ``kept``: the highest load that was held each time, with the requests
    of all its trials; ``missed``: the lowest one above that was not shown to be held.
    """

    kept: Trial | None
    missed: Trial | None


@dataclass(frozen=True, slots=True)
class Objective:
    """A limit that a request's metric must keep (an SLO).

    ``metric`` is a :class:`stepeval.analysis.timing.Latency` field, or "response": from the
    scheduled time to the finish. A request without the metric misses it.
    """

    metric: str
    limit_ms: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What this machine's client reaches against a server that answers at once.

    ``chunks_per_s`` and ``cpu_us_per_chunk`` are of streams. ``measured_at``: seconds since 1970.
    """

    requests_per_s: float
    chunks_per_s: float
    cpu_us_per_chunk: float
    workers: int
    measured_at: float


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """``loads`` are run one after the other: requests in flight where the shape is closed, else
    requests per second (the highest one of a ramp; for a replay, how many times faster than
    recorded).

    ``requests`` or ``duration_s`` bounds each of them, warm-up (in words) not counted.
    ``burstiness`` is the shape of gamma arrivals: 1 is Poisson, below 1 comes in bursts.
    ``search``: the loads were chosen while running, to find the highest within the objectives.
    """

    shape: Shape
    loads: tuple[float, ...]
    requests: int | None
    duration_s: float | None
    warmup: str
    repeats: int = 1
    seed: int = 0
    workers: int = 1
    burstiness: float = 1.0
    search: bool = False
    unique_prefix: bool = False
    objectives: tuple[Objective, ...] = ()
    vocabulary: str | None = None
    ceiling: Ceiling | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """One worker process during one phase.

    ``lags_us``: how late its event loop woke, sampled at even times. ``transport`` names what
    carried the requests; with "proxy" it is not our own, and stamps are taken at the read.
    """

    lags_us: tuple[int, ...]
    cpu_s: float
    wall_s: float
    transport: str = "socket"


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the loads, once. Times are monotonic nanoseconds, of all workers alike.

    A request belongs to the phase if its first attempt was due from ``begin_ns`` to before
    ``end_ns``, and is measured if not before ``steady_ns``, where the warm-up ended. The last
    answer had come at ``drained_ns``.
    """

    number: int
    repeat: int
    load: float
    begin_ns: int
    steady_ns: int
    end_ns: int
    drained_ns: int
    health: tuple[Health, ...] = ()
