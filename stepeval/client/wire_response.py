"""The JSON of a chat completion, whole or one chunk of a stream, as values.

Servers differ: what they add is ignored, what they leave out is None, and what has another type
than it must have is a BadBody.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

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


class ToolPiece(NamedTuple):
    """A tool call, or a part of one. Empty and absent are the same here."""

    place: int | None
    id: str
    name: str
    arguments: str


class Said(NamedTuple):
    """What one choice holds: of a whole message, or of one chunk's delta."""

    choice: int
    role: str
    text: str
    reasoning: str
    tools: tuple[ToolPiece, ...]
    finish_reason: str | None


NOTHING_SAID = Said(0, "", "", "", (), None)


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
        choice=place if index is None else index,
        role=_text(said, "role", kind),
        text=_text(said, "content", kind),
        reasoning=_text(said, "reasoning", kind) or _text(said, "reasoning_content", kind),
        tools=_tool_pieces(said.get("tool_calls"), kind),
        finish_reason=_text(choice, "finish_reason", kind) or None,  # "": not finished yet
    )


def _choice(choice: Any, place: int) -> Choice:
    said = read_choice(choice, place, "message", FailureKind.BAD_RESPONSE)
    calls = tuple(ToolCall(tool.id or None, tool.name, tool.arguments) for tool in said.tools)
    return Choice(said.choice, said.text, said.reasoning or None, calls, said.finish_reason)


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
        place=read_count(piece.get("index")),
        id=_text(piece, "id", kind),
        name=_text(function, "name", kind),
        arguments=_text(function, "arguments", kind),
    )


def _as_text(value: Any, kind: FailureKind) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:  # it nests deeper than orjson writes
        raise BadBody(kind, f"arguments of a tool call: {error}") from None


Counts: TypeAlias = tuple[int | None, ...]
"""The fields of a Usage, in its order."""

NO_COUNTS: Counts = (None,) * 5


def read_usage(usage: Any) -> Usage:
    """Token counts, each None unless it is a whole number of at least 0."""
    return Usage(*read_counts(usage))


def read_counts(usage: Any) -> Counts:
    """Cached tokens stand in ``cached_tokens`` (or ``cached_token``) beside the others, or nested
    in ``prompt_tokens_details``; reasoning tokens in ``completion_tokens_details``.
    """
    if not isinstance(usage, dict):
        return NO_COUNTS
    get = usage.get
    prompt, completion = get("prompt_tokens_details"), get("completion_tokens_details")
    cached = get("cached_tokens")
    if read_count(cached) is None:
        cached = _first_count(get("cached_token"), _object(prompt).get("cached_tokens"))
    thought = _object(completion).get("reasoning_tokens") if completion else None
    if read_count(thought) is None:
        thought = get("reasoning_tokens")
    return (
        read_count(get("prompt_tokens")),
        read_count(get("completion_tokens")),
        read_count(get("total_tokens")),
        cached,
        read_count(thought),
    )


def later_counts(before: Counts, now: Counts) -> Counts:
    """Counts are cumulative: the later one holds, and what it leaves out still stands."""
    if None not in now:
        return now
    return tuple(then if count is None else count for then, count in zip(before, now, strict=True))


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
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise BadBody(kind, f"{name} is not text", excerpt=repr(value))
