"""What the raw stamps of one request say. Pure; milliseconds out, None for what was not measured.

Written below: ``U_i`` the completion tokens up to chunk i, ``d_i = U_i - U_{i-1}`` (``U_0 = 0``).
A response that was not streamed has no chunks, and so nothing but its end-to-end time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stepeval.core.chat import Chunk, ChunkKind, Response, Timing

_NO_TOKEN = (ChunkKind.ROLE, ChunkKind.USAGE)  # whatever they carry, it is not a token's arrival
_ANSWERS = (ChunkKind.ANSWER, ChunkKind.TOOL, ChunkKind.MIXED)
_ONLY_ANSWERS = (ChunkKind.ANSWER, ChunkKind.TOOL)
_REASONS = (ChunkKind.REASONING, ChunkKind.MIXED)
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds since the request's first byte was written.

    ``ttfe``: the first event of any kind. ``ttft``: the first chunk with text, a tool call or
    ``d_i > 0``. ``ttfr``, ``ttfa``: the first with reasoning, with an answer or tool call.
    ``thinking``: ``ttfa - ttfr``. ``tpot``: ``(t_last - t_first) / (U_last - U_first)`` over the
    chunks with tokens, None where the denominator is unknown or not positive; ``reasoning_tpot``
    and ``answer_tpot``: the same over the chunks of one kind, mixed ones left out. ``e2e``: the
    last chunk that is not the closing usage; the body's end if not streamed. ``stall``: the
    longest gap between two chunks with tokens.
    """

    ttfe: float | None = None
    ttft: float | None = None
    ttfr: float | None = None
    ttfa: float | None = None
    thinking: float | None = None
    tpot: float | None = None
    e2e: float | None = None
    stall: float | None = None
    reasoning_tpot: float | None = None
    answer_tpot: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseTokens:
    """Tokens by the kind of chunk they came in; ``control`` are those of chunks without text.

    ``split``: a chunk with both was shared out by its characters, so the two are estimates.
    """

    reasoning: int
    answer: int
    control: int
    split: bool = False


def latency(timing: Timing) -> Latency:
    if timing.sent_ns is None:
        return Latency()
    chunks = timing.chunks
    if not chunks:
        return Latency(e2e=_ms(timing.sent_ns, timing.done_ns))
    tokens = token_chunks(chunks)
    since = timing.sent_ns
    first_reasoning = _first(chunks, _REASONS)
    first_answer = _first(chunks, _ANSWERS)
    thinking = None
    if first_reasoning is not None and first_answer is not None:
        thinking = _ms(first_reasoning, first_answer)
    return Latency(
        ttfe=_ms(since, chunks[0].arrival_ns) if chunks else None,
        ttft=_ms(since, tokens[0].arrival_ns) if tokens else None,
        ttfr=_ms(since, first_reasoning),
        ttfa=_ms(since, first_answer),
        thinking=thinking,
        tpot=_tpot(tokens),
        e2e=_ms(since, finish_ns(timing)),
        stall=_stall(tokens),
        reasoning_tpot=_tpot([chunk for chunk in tokens if chunk.kind is ChunkKind.REASONING]),
        answer_tpot=_tpot([chunk for chunk in tokens if chunk.kind in _ONLY_ANSWERS]),
    )


def finish_ns(timing: Timing) -> int | None:
    """When the last token or the finish came; a closing usage or end mark is not waited for."""
    said = [chunk.arrival_ns for chunk in timing.chunks if chunk.kind is not ChunkKind.USAGE]
    return said[-1] if said else timing.done_ns


def token_chunks(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Those that brought a token: text, a tool call, or ``d_i > 0``."""
    found = []
    before = 0
    for chunk in chunks:
        now = before if chunk.output_tokens is None else chunk.output_tokens
        if chunk.kind not in _NO_TOKEN and (_has_text(chunk) or now > before):
            found.append(chunk)
        before = now
    return found


def phase_tokens(chunks: Sequence[Chunk]) -> PhaseTokens | None:
    """None without a count of tokens in every chunk with text: chunks are never taken for tokens.

    None, too, where the count runs backwards.
    """
    risen = rises(chunks)
    if risen is None:
        return None
    reasoning = answer = control = 0
    split = False
    for chunk, added in risen:
        share = _reasoning_share(chunk)
        if share is None:
            control += added
            continue
        split = split or 0 < share < 1
        reasoned = round(added * share)
        reasoning += reasoned
        answer += added - reasoned
    return PhaseTokens(reasoning, answer, control, split)


def rises(chunks: Sequence[Chunk]) -> list[tuple[Chunk, int]] | None:
    """Each chunk with a count, and its ``d_i``; None as for :func:`phase_tokens`."""
    if not chunks:
        return None
    counted = [chunk for chunk in chunks if chunk.kind is not ChunkKind.USAGE]
    if not any(_has_text(chunk) for chunk in counted):
        return None
    found = []
    before = 0
    for chunk in counted:
        if chunk.output_tokens is None:
            if _has_text(chunk):
                return None
            continue
        if chunk.output_tokens < before:
            return None
        found.append((chunk, chunk.output_tokens - before))
        before = chunk.output_tokens
    return found


def reasoning_tokens(response: Response) -> tuple[int | None, str | None]:
    """With who counted: the provider, else the chunks; both None where neither did."""
    if response.usage.reasoning_tokens is not None:
        return response.usage.reasoning_tokens, "provider"
    phases = phase_tokens(response.timing.chunks)
    return (None, None) if phases is None else (phases.reasoning, "chunks")


def coalesced_share(chunks: Sequence[Chunk]) -> float | None:
    return sum(chunk.coalesced for chunk in chunks) / len(chunks) if chunks else None


def _reasoning_share(chunk: Chunk) -> float | None:
    if chunk.kind is ChunkKind.MIXED:
        return chunk.reasoning_chars / max(1, chunk.reasoning_chars + chunk.answer_chars)
    if chunk.kind is ChunkKind.REASONING:
        return 1.0
    return 0.0 if chunk.kind in _ANSWERS else None


def _has_text(chunk: Chunk) -> bool:
    return chunk.kind in _REASONS or chunk.kind in _ANSWERS


def _tpot(tokens: Sequence[Chunk]) -> float | None:
    if not tokens:
        return None
    first, last = tokens[0], tokens[-1]
    if first.output_tokens is None or last.output_tokens is None:
        return None
    more = last.output_tokens - first.output_tokens
    return (last.arrival_ns - first.arrival_ns) / more / _NS_PER_MS if more > 0 else None


def _stall(tokens: Sequence[Chunk]) -> float | None:
    gaps = [after.arrival_ns - before.arrival_ns for before, after in pairwise(tokens)]
    return max(gaps) / _NS_PER_MS if gaps else None


def _first(chunks: Sequence[Chunk], kinds: tuple[ChunkKind, ...]) -> int | None:
    return next((chunk.arrival_ns for chunk in chunks if chunk.kind in kinds), None)


def _ms(start_ns: int, end_ns: int | None) -> float | None:
    return None if end_ns is None else (end_ns - start_ns) / _NS_PER_MS
