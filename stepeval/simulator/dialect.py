"""A plan in the words of the wire: StepFun's, or those of servers that say less."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from stepeval.simulator.plan import Plan, PlannedChoice
from stepeval.simulator.schedule import Event, EventKind

DONE = b"data: [DONE]\n\n"
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """StepFun's by default.

    ``usage`` is "every" (cumulative, in each chunk), "last" (in a chunk of its own without
    choices) or "never". ``plain_nulls``: as llama.cpp and OpenAI write it, the role stands only in
    the first chunk and an unfinished ``finish_reason`` is null. ``reasoning_field`` is the name
    of the field with the thoughts. ``usage_sign`` -1 makes the counts absurd.
    """

    usage: str = "every"
    plain_nulls: bool = False
    reasoning_field: str = "reasoning"
    usage_sign: int = 1


def completion(plan: Plan, created: int, dialect: Dialect) -> Json:
    """The body of an answer that is not streamed."""
    body: Json = {
        "id": response_id(plan),
        "object": "chat.completion",
        "created": created,
        "model": plan.model,
        "choices": [_whole(choice, i, dialect) for i, choice in enumerate(plan.choices)],
    }
    if dialect.usage != "never":
        body["usage"] = usage(plan, plan.completion_tokens, dialect)
    return body


def response_id(plan: Plan) -> str:
    """In the form of a UUID, as StepFun's are."""
    return "-".join(plan.id[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def _whole(choice: PlannedChoice, index: int, dialect: Dialect) -> Json:
    message: Json = {"role": "assistant", "content": "".join(choice.answer)}
    message[dialect.reasoning_field] = "".join(choice.reasoning)
    if choice.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for call in choice.calls
        ]
    return {"index": index, "message": message, "finish_reason": choice.finish_reason}


def usage(plan: Plan, completion_tokens: int, dialect: Dialect) -> Json:
    counts: Json = {
        "prompt_tokens": dialect.usage_sign * plan.prompt_tokens,
        "completion_tokens": dialect.usage_sign * completion_tokens,
        "total_tokens": dialect.usage_sign * (plan.prompt_tokens + completion_tokens),
    }
    if dialect.plain_nulls:
        thought = sum(len(choice.reasoning) for choice in plan.choices)
        counts["prompt_tokens_details"] = {"cached_tokens": plan.cached_tokens}
        counts["completion_tokens_details"] = {"reasoning_tokens": thought}
    else:
        counts["cached_tokens"] = plan.cached_tokens
        counts["completion_tokens_details"] = None
    return counts


def stream(
    plan: Plan, events: Iterable[Event], created: int, dialect: Dialect
) -> Iterator[tuple[Event | None, bytes]]:
    """Each event with its server-sent event; a last one of usage alone comes with None."""
    frame = {
        "id": response_id(plan),
        "object": "chat.completion.chunk",
        "created": created,
        "model": plan.model,
    }
    total = 0
    for event in events:
        total += event.tokens
        chunk: Json = {**frame, "choices": [_piece(plan, event, dialect)]}
        if dialect.usage == "every":
            chunk["usage"] = usage(plan, total, dialect)
        yield event, _sse(chunk)
    if dialect.usage == "last":
        yield None, _sse({**frame, "choices": [], "usage": usage(plan, total, dialect)})


def _sse(chunk: Json) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _piece(plan: Plan, event: Event, dialect: Dialect) -> Json:
    choice = plan.choices[event.choice]
    finished = choice.finish_reason if event.kind is EventKind.FINISH else None
    if finished is None and not dialect.plain_nulls:
        finished = ""
    delta: Json = {}
    if event.first:
        delta["role"] = "assistant"
    elif not dialect.plain_nulls:
        delta["role"] = ""
    delta["content"] = event.text if event.kind is EventKind.ANSWER else ""
    if event.kind is EventKind.REASONING:
        delta[dialect.reasoning_field] = event.text
    if event.call is not None:
        delta["tool_calls"] = [_call_piece(event, indexed=choice.indexed_calls)]
    return {"index": event.choice, "delta": delta, "finish_reason": finished}


def _call_piece(event: Event, *, indexed: bool) -> Json:
    """The name comes first, with empty arguments; then the arguments in pieces."""
    assert event.call is not None
    piece: Json = {"index": event.call_index} if indexed else {}
    if not event.text:
        piece |= {"id": event.call.id, "type": "function"}
        return {**piece, "function": {"name": event.call.name, "arguments": ""}}
    return {**piece, "function": {"arguments": event.text}}
