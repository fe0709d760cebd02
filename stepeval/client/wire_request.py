"""A Request as the JSON text that goes on the wire."""

import json
from collections.abc import Mapping
from typing import Any

from stepeval.core.chat import Message, Request, ToolCall
from stepeval.core.errors import UsageError


def encode(request: Request) -> str:
    """The body: what the suite set, as it set it, whatever the model's name; nothing else.

    Raises:
        UsageError: A value that JSON cannot say (not a number, a date, ...).
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        **request.params,
    }
    if request.tools:
        body["tools"] = request.tools
    if request.response_format is not None:
        body["response_format"] = request.response_format
    try:
        return _sendable(body)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the request to {request.model} is no JSON: {error}") from None


def _sendable(body: Mapping[str, Any]) -> str:
    text = _dump(body, ascii_only=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: only its escape can be sent
        return _dump(body, ascii_only=True)
    return text


def _dump(body: Mapping[str, Any], *, ascii_only: bool) -> str:
    return json.dumps(
        body,
        ensure_ascii=ascii_only,
        allow_nan=False,  # NaN is no JSON, and null would be another experiment
        separators=(",", ":"),
        default=_plain,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} has no JSON form")


def _message(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.name is not None:
        fields["name"] = message.name
    if message.tool_calls:
        fields["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    return fields


def _tool_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    said = {"type": "function", "function": function}
    return said if call.id is None else {"id": call.id, **said}
