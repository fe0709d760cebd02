"""Whose counts of tokens a benchmark's figures rest on, and what a count made here comes to.

A count made here (``stepeval bench --tokenizer``) is of whole texts, after the run. When its tokens
came is an estimate: those of the reasoning are spread over the chunks in proportion to the
reasoning's characters in each, those of the answer likewise.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import nan

import numpy as np

from stepeval.analysis.load_counts import whole_count
from stepeval.analysis.load_values import PROVIDER, Length
from stepeval.analysis.timing import reasoning_tokens, rises
from stepeval.core.chat import Chunk, ChunkKind, Failure, Response
from stepeval.core.load import ASKED_INPUT, ASKED_OUTPUT
from stepeval.core.record import TokenCount
from stepeval.core.task import Cell

_NS_PER_MS = 1e6


@dataclass(slots=True)
class TokenColumn:
    """An entry for each request. ``counts``: NaN where nobody counted; ``here``: where this client
    did; ``asked``: the length that was asked for, NaN where none was.
    """

    counts: "array[float]" = field(default_factory=lambda: array("d"))
    here: "array[int]" = field(default_factory=lambda: array("b"))
    asked: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, told: int | None, counted: int | None, asked: int | None) -> None:
        """``told`` by the server, ``counted`` here: that is never taken in place of the other."""
        known = counted if told is None else told
        self.counts.append(nan if known is None else known)
        self.here.append(told is None and counted is not None)
        self.asked.append(nan if asked is None else asked)


@dataclass(frozen=True, slots=True)
class Share:
    """The tokens of one chunk, estimated."""

    chunk: Chunk
    reasoning: float
    answer: float

    @property
    def tokens(self) -> float:
        return self.reasoning + self.answer


def add_lengths(
    columns: dict[str, TokenColumn], cell: Cell, result: Response | Failure, own: TokenCount | None
) -> None:
    """``columns`` in the order of the input, the output, and the reasoning that is part of it.

    An asked length may be whatever a suite or a ``--set`` says: what is no count was not asked for.
    """
    asked = cell.sample.metadata
    wanted = asked.get(ASKED_OUTPUT)
    if wanted is not None:  # a bound of the arm's own takes its place
        wanted = cell.arm.params.get("max_tokens", wanted)
    told: tuple[int | None, ...] = (None, None, None)
    if isinstance(result, Response):
        usage = result.usage
        told = (usage.input_tokens, usage.output_tokens, reasoning_tokens(result)[0])
    counted: tuple[int | None, ...] = (None, None, None)
    if own is not None:
        counted = (own.input_tokens, own.output_tokens, own.reasoning_tokens)
    lengths = zip(
        columns.values(),
        told,
        counted,
        (whole_count(asked.get(ASKED_INPUT)), whole_count(wanted), None),
        strict=True,
    )
    for column, *values in lengths:
        column.add(*values)


def shared_out(chunks: Sequence[Chunk], count: TokenCount) -> tuple[Share, ...] | None:
    """Chunks with text. None where tokens have no characters to be spread over: not streamed."""
    reasoning = count.reasoning_tokens
    answer = count.output_tokens - reasoning
    thought, said = sum(c.reasoning_chars for c in chunks), sum(c.answer_chars for c in chunks)
    if (reasoning and not thought) or (answer and not said):
        return None
    per_thought, per_said = reasoning / max(1, thought), answer / max(1, said)
    return tuple(
        Share(chunk, chunk.reasoning_chars * per_thought, chunk.answer_chars * per_said)
        for chunk in chunks
        if chunk.reasoning_chars or chunk.answer_chars
    )


def paces(shares: Sequence[Share]) -> dict[str, float | None]:
    """TPOT as in :class:`stepeval.analysis.timing.Latency`, ``U`` being the sum of the shares."""
    counted = list(zip(shares, accumulate(share.tokens for share in shares), strict=True))
    return {
        "tpot": _pace(counted),
        "reasoning_tpot": _pace([one for one in counted if _is(one[0], ChunkKind.REASONING)]),
        "answer_tpot": _pace([one for one in counted if _is(one[0], ChunkKind.ANSWER)]),
    }


def arrivals(
    chunks: Sequence[Chunk], shares: Sequence[Share] | None
) -> tuple[str, Iterator[tuple[int, str, float]]]:
    """Who counted (a field of :class:`Counted`); and when tokens came, in what, and how many: as
    the server counted, else by their shares.
    """
    risen = rises(chunks)
    if risen is not None:
        return "provider", (
            (chunk.arrival_ns, _kind(chunk), added) for chunk, added in risen if added
        )
    if shares is None:
        return "nobody", iter(())
    return "here", (
        (share.chunk.arrival_ns, kind, added)
        for share in shares
        for kind, added in (("reasoning", share.reasoning), ("answer", share.answer))
        if added
    )


def length(columns: Iterable[tuple[TokenColumn, Sequence[bool]]], vocabulary: str | None) -> Length:
    """Of the requests marked beside each column."""
    pairs = [(column, np.asarray(inside, bool)) for column, inside in columns]
    counts = np.concatenate([np.asarray(c.counts, float)[inside] for c, inside in pairs])
    asked = np.concatenate([np.asarray(c.asked, float)[inside] for c, inside in pairs])
    here = sum(int((np.asarray(c.here, bool) & inside).sum()) for c, inside in pairs)
    known = ~np.isnan(counts)
    n = int(known.sum())
    wanted = asked[known & ~np.isnan(asked)]
    return Length(
        mean=float(counts[known].mean()) if n else None,
        asked=float(wanted.mean()) if len(wanted) else None,
        n=n,
        here=here,
        counted_by=counted_by(n - here, here, vocabulary),
    )


def counted_by(provider: int, here: int, vocabulary: str | None) -> str | None:
    """Who counted so many answers, in words; None where nobody did."""
    names = ((PROVIDER, provider), (vocabulary or "this client", here))
    return " and ".join(name for name, answers in names if answers) or None


def _pace(counted: Sequence[tuple[Share, float]]) -> float | None:
    if not counted:
        return None
    (first, before), (last, after) = counted[0], counted[-1]
    more = after - before
    passed = last.chunk.arrival_ns - first.chunk.arrival_ns
    return passed / more / _NS_PER_MS if more > 0 else None


def _is(share: Share, kind: ChunkKind) -> bool:
    return share.chunk.kind is kind


def _kind(chunk: Chunk) -> str:
    """A chunk with both is called what most of its characters are."""
    if chunk.kind is ChunkKind.MIXED:
        return "reasoning" if chunk.reasoning_chars > chunk.answer_chars else "answer"
    if chunk.kind is ChunkKind.REASONING:
        return "reasoning"
    return "answer" if chunk.kind in (ChunkKind.ANSWER, ChunkKind.TOOL) else "other"
