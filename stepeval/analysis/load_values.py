"""What a load benchmark comes to. Values only; milliseconds, and seconds where the name says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from stepeval.core.load import Verdict
from stepeval.core.record import RunInfo
from stepeval.stats.estimate import Estimate

PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles with their order-statistic intervals; the longest needs no data to hold it."""

    p50: Estimate
    p90: Estimate
    p95: Estimate
    p99: Estimate
    longest: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """Between chunks with tokens, raw and pooled; without intervals, as the gaps of one request are
    no independent values.

    ``shared``: share of them with an end that shared its read; ``sharp``: share with both ends
    known to a millisecond. ``tokens_per_chunk`` None: no counts.
    """

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None
    shared: float | None
    shared_n: int
    shared_p50: float | None
    sharp: float | None
    tokens_per_chunk: float | None


@dataclass(frozen=True, slots=True)
class Cache:
    """TTFT by whether the server read any of the prompt from its cache; ``unknown``: not said.

    ``share``: cached input tokens of all, where both are known.
    """

    cold: Spread
    warm: Spread
    unknown: Spread
    share: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many answers the server counted chunk by chunk, how many this client did, by a vocabulary
    and with an estimate of when each token came, and how many nobody did: of those that are
    measured or came in the window.
    """

    provider: int
    here: int
    nobody: int


@dataclass(frozen=True, slots=True)
class Length:
    """Mean tokens of the ``n`` measured and answered requests whose count is known; of those,
    ``here`` were counted by this client.

    ``asked``: the mean length that was asked for of the same requests, None where none was.
    ``counted_by`` as in :class:`Figures`.
    """

    mean: float | None
    asked: float | None
    n: int
    here: int
    counted_by: str | None


@dataclass(frozen=True, slots=True)
class Between:
    """One figure of each repeat, and its mean by t; ``spread`` is their standard deviation."""

    values: tuple[float, ...]
    mean: Estimate
    spread: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One arm under one load, in ``window_s`` seconds of steady state. A window below a millisecond
    spans no time, and what is per second of it is None.

    ``attempted`` requests were due in it. ``due_rate``, ``sent_rate``, ``done_rate``: requests per
    second that were due, sent, answered within the window. ``concurrency``: in flight, mean over
    the window. ``disbelieved``: measured requests with a count of tokens left out, see
    :mod:`stepeval.analysis.load_counts`. ``tokens_per_s`` and its two parts are None unless every
    answer's tokens are counted. ``tokens_counted_by``: whose counts they, TPOT and the tokens per
    chunk rest on: "provider", the label of a vocabulary of this client, both joined by "and", or
    None: nobody's; ``counted`` has the numbers of answers. ``lengths``: "input", "output" and
    "reasoning", which is part of the output. ``in_time``: kept every objective; ``good``: and were
    judged right, where a run is judged; None without an objective and a judge. ``no_answer``:
    answered, but with no answer.
    """

    arm: str
    load: float
    repeats: int
    window_s: float
    attempted: int
    answered: int
    failures: Mapping[str, int]
    no_answer: int
    due_rate: float | None
    sent_rate: float | None
    done_rate: float | None
    concurrency: float
    peak: int
    tokens_per_s: float | None
    reasoning_per_s: float | None
    answer_per_s: float | None
    tokens_counted_by: str | None
    counted: Counted
    disbelieved: int
    lengths: Mapping[str, Length]
    in_time: Estimate | None
    good: Estimate | None
    good_per_s: float | None
    metrics: Mapping[str, Spread]
    lag: Spread
    gaps: Gaps
    cache: Cache

    @property
    def failed(self) -> int:
        return self.attempted - self.answered


@dataclass(frozen=True, slots=True)
class ArmLoad:
    """``pooled`` over the repeats, each of which has its own ``runs``. ``between`` by figure."""

    arm: str
    load: float
    pooled: Figures
    runs: tuple[Figures, ...]
    between: Mapping[str, Between]


@dataclass(frozen=True, slots=True)
class Certificate:
    """How the client fared under one load: whether the numbers are the server's.

    ``loop_lag``: how late the event loops woke. ``lag``: from due to sent, of open loops too with
    the connection opened; ``start_lag``: to when the client took the request up. ``asked_rate``
    None: the shape asks for no fixed rate. ``cpu_share``: of the busiest worker. ``of_ceiling``:
    of what this machine's client can do at most, None where that was not measured.
    ``limits``: why the client, and not the server, may have set the numbers; empty: it did not, or
    the window is ``too_short`` for the loop's lag and the processor to tell.
    """

    load: float
    loop_lag: Spread
    lag: Spread
    start_lag: Spread
    asked_rate: float | None
    due_rate: float | None
    sent_rate: float | None
    cpu_share: float | None
    workers: int
    coalesced_share: float | None
    stamps: Mapping[str, int]
    gap_p50: float | None
    transports: tuple[str, ...]
    chunks_per_s: float | None
    of_ceiling: float | None
    concurrency: float
    peak: int
    holds: str | None
    limits: tuple[str, ...] = ()
    too_short: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether an arm held a load: the share of its requests within every objective, and answers per
    request that was due, None where the shape asks for no fixed rate.
    """

    load: float
    verdict: Verdict
    in_time: Estimate
    answered: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """An arm over its loads, rising. ``knee``: the load where latency begins to cost more than the
    throughput it buys; None: it does not show. ``held``: every load with objectives; ``best`` and
    ``missed`` as in :func:`stepeval.analysis.load_curve.highest_within`; ``highest`` is the load of
    ``best``.
    """

    arm: str
    loads: tuple[float, ...]
    knee: float | None
    highest: float | None
    held: tuple[Holding, ...] = ()
    best: Holding | None = None
    missed: Holding | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """``start_s`` since the run's first phase began. Requests by when they were due."""

    start_s: float
    width_s: float
    requests: int
    failed: int
    ttft_p50: float | None
    per_s: float | None


@dataclass(frozen=True, slots=True)
class TimeLine:
    """``phases``: when each began, its steady part began and ended (s), and its load."""

    arms: Mapping[str, tuple[Bin, ...]]
    phases: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """``cells`` by load, then in the suite's order of arms. ``client_limited``: the certificates'
    limits, each with its load. ``recorded``: requests in the run's file; ``outside``: those that
    belong to no phase. ``missing``: phases
    that were planned and did not run.
    """

    info: RunInfo
    missing: int
    judged: bool
    arms: tuple[str, ...]
    cells: tuple[ArmLoad, ...]
    certificates: tuple[Certificate, ...]
    curves: tuple[Curve, ...]
    timeline: TimeLine
    recorded: int
    outside: int
    client_limited: tuple[str, ...]
