"""Counts of tokens that no text could hold are not believed: they would be the mean of everything.

A token of a byte-level vocabulary is a byte at least, and a character has four of them. A count is
believed up to four times that and a thousand tokens besides, for what a template adds, and thought
that a server counts apart and does not send, up to a million; the input's, which may come with
pictures, up to a hundred thousand besides.
"""

from dataclasses import replace
from typing import Any

from stepeval.core.chat import Failure, Response, Timing
from stepeval.core.record import Attempt, Record

_TOKENS_PER_CHAR = 16
_BESIDES = 1_000
_BESIDES_THE_INPUT = 100_000
_MOST_UNSENT = 1_000_000
_LARGEST = 2**53  # beyond it no two readers of JSON agree


def whole_count(value: object) -> int | None:
    """Of what stands where a count is asked for, in a suite or a stored run; None: it is none."""
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def believed(record: Record) -> tuple[Record, bool]:
    """The record without the counts that are not believed, and whether there were any."""
    pairs = [_attempt(attempt) for attempt in record.attempts]
    if not any(is_changed for _, is_changed in pairs):
        return record, False
    return replace(record, attempts=tuple(attempt for attempt, _ in pairs)), True


def _attempt(attempt: Attempt) -> tuple[Attempt, bool]:
    exchange = attempt.exchange
    result = exchange.result
    answer = result if isinstance(result, Response) else result.partial
    if answer is None:
        return attempt, False
    seen = _answer(answer, len(exchange.body))
    if seen is answer:
        return attempt, False
    kept: Response | Failure = seen if isinstance(result, Response) else replace(
        result, partial=seen
    )  # fmt: skip
    return replace(attempt, exchange=replace(exchange, result=kept)), True


def _answer(found: Response, asked_chars: int) -> Response:
    """The same value where every count is believed."""
    usage, chunks = found.usage, found.timing.chunks
    output = (usage.output_tokens, usage.reasoning_tokens, *(c.output_tokens for c in chunks))
    changes: dict[str, Any] = {}
    if not _are_within(output, _most_output(found)):
        changes |= {"output_tokens": None, "reasoning_tokens": None}
    most_input = _TOKENS_PER_CHAR * asked_chars + _BESIDES_THE_INPUT
    if not _are_within((usage.input_tokens, usage.cached_tokens), most_input):
        changes |= {"input_tokens": None, "cached_tokens": None}
    if not changes:
        return found
    timing = _uncounted(found.timing) if "output_tokens" in changes else found.timing
    return replace(found, usage=replace(usage, **changes), timing=timing)


def _most_output(found: Response) -> int:
    chunks = found.timing.chunks
    thought = sum(len(choice.reasoning or "") for choice in found.choices)
    said = sum(
        len(choice.text) + sum(len(call.name) + len(call.arguments) for call in choice.tool_calls)
        for choice in found.choices
    )
    streamed = sum(chunk.reasoning_chars + chunk.answer_chars for chunk in chunks)
    unsent = 0 if thought else whole_count(found.usage.reasoning_tokens) or 0
    return _TOKENS_PER_CHAR * max(thought + said, streamed) + _BESIDES + min(unsent, _MOST_UNSENT)


def _are_within(counts: tuple[object, ...], most: int) -> bool:
    known = (count for count in counts if count is not None)
    return all((whole := whole_count(count)) is not None and whole <= most for count in known)


def _uncounted(timing: Timing) -> Timing:
    return replace(
        timing, chunks=tuple(replace(chunk, output_tokens=None) for chunk in timing.chunks)
    )
