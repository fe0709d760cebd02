"""What a client says, held against what the server's log says. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.clients import Seen
from benchmarks.truth import Served

_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """One client's run, of one or more processes: their spans and CPU times are joined.

    ``lags_ns``: of an open loop, from when each request was due until it was sent.
    """

    began_ns: int
    ended_ns: int
    cpu_s: float
    seen: Sequence[Seen]
    lags_ns: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors are absolute, in ms, and of every request. ``ideal_share``: see the README.

    ``read_ms``: from the client's stamp to the server's reading, a part of the TTFT's error.
    """

    ttft_ms: Sequence[float]
    gap_ms: Sequence[float]
    read_ms: Sequence[float]
    ideal_share: float
    cpu_us_per_chunk: float


def accuracy(load: Load, truths: Mapping[str, Served], *, concurrency: int) -> Accuracy:
    """Raises ValueError: the log does not know a request, or sent another number of chunks."""
    pairs = [(seen, _truth(seen, truths)) for seen in load.seen]
    served_ns = sum(truth.last_ns - truth.read_ns for _, truth in pairs) / len(pairs)
    ideal_ns = served_ns * len(pairs) / concurrency
    return Accuracy(
        ttft_ms=[abs(_ttft(seen) - _true_ttft(truth)) / _NS_PER_MS for seen, truth in pairs],
        gap_ms=[abs(_gap(seen) - _gap(truth)) / _NS_PER_MS for seen, truth in pairs],
        read_ms=[(truth.read_ns - seen.sent_ns) / _NS_PER_MS for seen, truth in pairs],
        ideal_share=ideal_ns / (load.ended_ns - load.began_ns),
        cpu_us_per_chunk=load.cpu_s * 1e6 / sum(seen.chunks for seen in load.seen),
    )


def joined(loads: Iterable[Load]) -> Load:
    loads = list(loads)
    return Load(
        began_ns=min(load.began_ns for load in loads),
        ended_ns=max(load.ended_ns for load in loads),
        cpu_s=sum(load.cpu_s for load in loads),
        seen=[seen for load in loads for seen in load.seen],
        lags_ns=[lag_ns for load in loads for lag_ns in load.lags_ns],
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def _truth(seen: Seen, truths: Mapping[str, Served]) -> Served:
    if seen.request_id not in truths:
        raise ValueError(f"the server's log has no request {seen.request_id}")
    truth = truths[seen.request_id]
    if truth.chunks != seen.chunks:
        raise ValueError(f"{truth.chunks} chunks were sent, the client saw {seen.chunks}")
    return truth


def _ttft(seen: Seen) -> int:
    return seen.first_ns - seen.sent_ns


def _true_ttft(truth: Served) -> int:
    return truth.first_ns - truth.read_ns


def _gap(stream: Seen | Served) -> float:
    """The mean one; 0 where there is only one chunk."""
    return (stream.last_ns - stream.first_ns) / max(stream.chunks - 1, 1)
