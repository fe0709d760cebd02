"""The JSON of a chat completion, whole or one chunk of a stream, as values.

Servers differ: what they add is ignored, what they leave out is None, and what has another type
than it must have is a BadBody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

from stepeval.client.failures import kind_of_status, message_in
from stepeval.client.faults import BadBody
from stepeval.core.chat import Choice, FailureKind, Response, Timing, ToolCall, Usage

_LARGEST_COUNT = 2**53  # beyond it no two readers of JSON agree
_ERRORS = range(400, 600)


def decode(body: bytes, timing: Timing, trace_id: str | None, simulated: bool) -> Response:
    """A response that was not streamed.

    Raises:
        BadBody: It is no chat completion (BAD_RESPONSE), or it reports an error.
    """
    root = parse_object(body, FailureKind.BAD_RESPONSE)
    choices = root.get("choices")
    if not isinstance(choices, list) or not choices:
        raise BadBody(FailureKind.BAD_RESPONSE, "the response holds no choices", excerpt=body)
    read = tuple(_choice(choice, place) for place, choice in enumerate(choices))
    if len({choice.index for choice in read}) < len(read):
        raise BadBody(FailureKind.BAD_RESPONSE, "two choices have one index", excerpt=body)
    return Response(
        id=text_or_none(root.get("id")),
        model=text_or_none(root.get("model")),
        choices=read,
        usage=read_usage(root.get("usage")),
        timing=timing,
        trace_id=trace_id,
        simulated=simulated,
    )


def parse_object(text: bytes | str, kind: FailureKind) -> dict[str, Any]:
    """The JSON object in ``text``, unless it is none or reports an error: BadBody."""
    try:
        root = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadBody(kind, f"not JSON ({error})", excerpt=text) from None
    if not isinstance(root, dict):
        raise BadBody(kind, "not a JSON object", excerpt=text)
    if root.get("error"):
        raise _reported(root, text)
    return root


def _reported(root: Mapping[str, Any], text: bytes | str) -> BadBody:
    """An error inside a response whose status said that all is well."""
    error = root["error"]
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code[:4])
    status = code if isinstance(code, int) and code in _ERRORS else None
    kind = FailureKind.SERVER if status is None else kind_of_status(status)
    message = message_in(root)
    if message is None:
        return BadBody(kind, "the server reports an error", excerpt=text, status=status)
    return BadBody(kind, message, status=status)


@dataclass(frozen=True, slots=True)
class ToolPiece:
    """A tool call, or a part of one. Empty and absent are the same here."""

    index: int | None
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one choice holds: of a whole message, or of one chunk's delta."""

    index: int
    role: str
    text: str
    reasoning: str
    tools: tuple[ToolPiece, ...]
    finish_reason: str | None


def read_choice(choice: Any, place: int, field: str, kind: FailureKind) -> Said:
    """``field`` is "message" or "delta"; ``place`` stands in for a missing index."""
    if not isinstance(choice, dict):
        raise BadBody(kind, f"choice {place} is not an object")
    said = choice.get(field)
    if said is None:
        said = {}
    if not isinstance(said, dict):
        raise BadBody(kind, f"{field} of choice {place} is not an object")
    index = read_count(choice.get("index"))
    return Said(
        index=place if index is None else index,
        role=_text(said, "role", kind),
        text=_text(said, "content", kind),
        reasoning=_text(said, "reasoning", kind) or _text(said, "reasoning_content", kind),
        tools=_tool_pieces(said.get("tool_calls"), kind),
        finish_reason=_text(choice, "finish_reason", kind) or None,  # "": not finished yet
    )


def _choice(choice: Any, place: int) -> Choice:
    said = read_choice(choice, place, "message", FailureKind.BAD_RESPONSE)
    calls = tuple(ToolCall(tool.id or None, tool.name, tool.arguments) for tool in said.tools)
    return Choice(said.index, said.text, said.reasoning or None, calls, said.finish_reason)


def _tool_pieces(pieces: Any, kind: FailureKind) -> tuple[ToolPiece, ...]:
    if not pieces:
        return ()
    if not isinstance(pieces, list):
        raise BadBody(kind, "tool_calls is not a list")
    return tuple(_tool_piece(piece, kind) for piece in pieces)


def _tool_piece(piece: Any, kind: FailureKind) -> ToolPiece:
    if not isinstance(piece, dict):
        raise BadBody(kind, "a tool call is not an object")
    function = piece.get("function") or {}
    if not isinstance(function, dict):
        raise BadBody(kind, "function of a tool call is not an object")
    arguments = function.get("arguments")
    if isinstance(arguments, dict):  # some servers parse what the model wrote
        function = {**function, "arguments": _as_text(arguments, kind)}
    return ToolPiece(
        index=read_count(piece.get("index")),
        id=_text(piece, "id", kind),
        name=_text(function, "name", kind),
        arguments=_text(function, "arguments", kind),
    )


def _as_text(value: Any, kind: FailureKind) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:  # it nests deeper than orjson writes
        raise BadBody(kind, f"arguments of a tool call: {error}") from None


def read_usage(usage: Any) -> Usage:
    """Token counts, each None unless it is a whole number of at least 0.

    Cached tokens stand in ``cached_tokens`` (or ``cached_token``) beside the others, or nested
    in ``prompt_tokens_details``; reasoning tokens in ``completion_tokens_details``.
    """
    if not isinstance(usage, dict):
        return Usage()
    prompt = _object(usage.get("prompt_tokens_details"))
    completion = _object(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=read_count(usage.get("prompt_tokens")),
        output_tokens=read_count(usage.get("completion_tokens")),
        total_tokens=read_count(usage.get("total_tokens")),
        cached_tokens=_first_count(
            usage.get("cached_tokens"), usage.get("cached_token"), prompt.get("cached_tokens")
        ),
        reasoning_tokens=_first_count(
            completion.get("reasoning_tokens"), usage.get("reasoning_tokens")
        ),
    )


def later_usage(before: Usage, now: Usage) -> Usage:
    """Counts are cumulative: the later one holds, and what it leaves out still stands."""
    return Usage(
        *(
            getattr(before, field.name) if (value := getattr(now, field.name)) is None else value
            for field in fields(Usage)
        )
    )


def read_count(value: Any) -> int | None:
    fits = type(value) is int and 0 <= value <= _LARGEST_COUNT
    return value if fits else None


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first_count(*values: Any) -> int | None:
    return next((count for value in values if (count := read_count(value)) is not None), None)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(fields_of: Mapping[str, Any], name: str, kind: FailureKind) -> str:
    value = fields_of.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadBody(kind, f"{name} is not text", excerpt=repr(value))
    return value
