"""Stream events as one small blob an attempt.

``b"1"`` + zlib of: a line of JSON ``{"counts", "kinds", "stamps"}``, then nine columns of
little-endian int64, one entry a chunk: arrival since the chunk before, arrival less not_before,
kind, choice, output_tokens, reasoning_chars, answer_chars, coalesced, stamp. Kinds and stamps are
places in the line's lists. An attempt has a timeline for each of its Timings; one that repeats
the one before it has the count -1. ``b"0"`` + JSON holds what 64 bits cannot.
"""

import json
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

from stepeval.core.chat import Chunk, ChunkKind
from stepeval.store.codec import dump, load
from stepeval.store.texts import inflated

Timeline: TypeAlias = tuple[Chunk, ...]

_COLUMNS = 9
_UNKNOWN = -(2**63)
_REPEATED = -1

_LARGEST = 256 << 20


def pack(timelines: Sequence[Timeline]) -> bytes | None:
    """None when no timeline has a chunk."""
    if not any(timelines):
        return None
    try:
        return b"1" + zlib.compress(_columns(timelines), 6)
    except OverflowError:  # a server that claims 10**30 tokens is recorded as it spoke
        rows = [[dump(chunk) for chunk in timeline] for timeline in timelines]
        return b"0" + json.dumps(rows).encode()


def unpack(blob: bytes | None, timelines: int) -> tuple[Timeline, ...]:
    """``timelines`` is how many were packed."""
    if blob is None:
        return ((),) * timelines
    if blob[:1] == b"0":
        rows = json.loads(blob[1:])
        return tuple(tuple(load(Chunk, chunk) for chunk in timeline) for timeline in rows)
    return tuple(_timelines(inflated(blob[1:], _LARGEST)))


def _columns(timelines: Sequence[Timeline]) -> bytes:
    repeated = [n > 0 and line == timelines[n - 1] for n, line in enumerate(timelines)]
    fresh = [line for line, again in zip(timelines, repeated, strict=True) if not again]
    counts = [
        _REPEATED if again else len(line) for line, again in zip(timelines, repeated, strict=True)
    ]
    chunks = [chunk for line in fresh for chunk in line]
    kinds = {kind: n for n, kind in enumerate(dict.fromkeys(c.kind for c in chunks))}
    stamps = {stamp: n for n, stamp in enumerate(dict.fromkeys(c.stamp for c in chunks))}
    arrivals = [chunk.arrival_ns for chunk in chunks]
    values = array("q", [b - a for a, b in zip([0, *arrivals], arrivals, strict=False)])
    values.extend([c.arrival_ns - c.not_before_ns for c in chunks])
    values.extend([kinds[c.kind] for c in chunks])
    values.extend([c.choice for c in chunks])
    values.extend([_UNKNOWN if c.output_tokens is None else c.output_tokens for c in chunks])
    values.extend([c.reasoning_chars for c in chunks])
    values.extend([c.answer_chars for c in chunks])
    values.extend([c.coalesced for c in chunks])
    values.extend([stamps[c.stamp] for c in chunks])
    head = json.dumps({"counts": counts, "kinds": list(kinds), "stamps": list(stamps)})
    return head.encode() + b"\n" + _little_endian(values).tobytes()


def _little_endian(values: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _timelines(data: bytes) -> Iterator[Timeline]:
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    values = array("q")
    values.frombytes(rest)
    values = _little_endian(values)
    size = len(values) // _COLUMNS
    columns = [values[n * size : (n + 1) * size] for n in range(_COLUMNS)]
    kinds, stamps = [ChunkKind(kind) for kind in head["kinds"]], head["stamps"]
    chunks = [
        Chunk(
            arrival_ns=arrival,
            not_before_ns=arrival - waited,
            kind=kinds[kind],
            choice=choice,
            output_tokens=None if tokens == _UNKNOWN else tokens,
            reasoning_chars=reasoning,
            answer_chars=answer,
            coalesced=bool(coalesced),
            stamp=stamps[stamp],
        )
        for arrival, (waited, kind, choice, tokens, reasoning, answer, coalesced, stamp) in zip(
            accumulate(columns[0]), zip(*columns[1:], strict=True), strict=True
        )
    ]
    start = 0
    timeline: Timeline = ()
    for count in head["counts"]:
        if count != _REPEATED:
            timeline = tuple(chunks[start : start + count])
            start += count
        yield timeline
