"""The texts of one exchange: the messages as they were sent, and what came back."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepeval.core.chat import Choice, Failure, Response, ToolCall
from stepeval.report.text import cap, shorten
from stepeval.report.view import Passage

MOST_CHARACTERS = 20_000  # of one text: what is longer is read in the store, not on a page
_ADDRESS_LENGTH = 120  # images come as data URLs of megabytes


def prompt_passages(body: str) -> tuple[Passage, ...]:
    """The messages and tools of a request's JSON text; the text itself where it holds none."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    messages = sent.get("messages") if isinstance(sent, Mapping) else None
    if not isinstance(messages, list):
        return (passage("request body", body),)
    found = [passage(*_message(message)) for message in messages]
    if sent.get("tools"):
        found.append(passage("tools", _json(sent["tools"]), folded=True))
    return tuple(found)


def answer_passages(result: Response | Failure, choice: int) -> tuple[Passage, ...]:
    if isinstance(result, Response):
        return tuple(_of_choice(_find(result, choice), cut=False))
    status = "" if result.status is None else f" (HTTP {result.status})"
    error = passage("Error", f"{result.kind.value}{status}: {result.message}")
    arrived = _of_choice(_find(result.partial, choice), cut=True) if result.partial else ()
    return (error, *arrived)


def passage(label: str, text: str, *, folded: bool = False) -> Passage:
    shown, note = cap(text, MOST_CHARACTERS)
    return Passage(shorten(label, 80), shown, note or "", folded)


def _find(response: Response, index: int) -> Choice | None:
    return next((choice for choice in response.choices if choice.index == index), None)


def _of_choice(choice: Choice | None, *, cut: bool) -> Iterator[Passage]:
    if choice is None:
        return
    if choice.reasoning:
        yield passage("Reasoning", choice.reasoning, folded=True)
    if choice.text:
        yield passage("Answer, until the connection broke" if cut else "Answer", choice.text)
    if choice.tool_calls:
        yield passage("Tool calls", "\n".join(_call(call) for call in choice.tool_calls))


def _call(call: ToolCall) -> str:
    return f"{call.name}({call.arguments})"


def _message(message: Any) -> tuple[str, str]:
    if not isinstance(message, Mapping):
        return "message", _json(message)
    texts = [_content(message.get("content"))]
    if message.get("tool_calls"):
        texts.append(_json(message["tool_calls"]))
    return str(message.get("role", "message")), "\n".join(text for text in texts if text)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_part(part) for part in content)
    return "" if content is None else _json(content)


def _part(part: Any) -> str:
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    return shorten(_json(part), _ADDRESS_LENGTH)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
