"""What a request may use at most, said before it is sent, and what it used, said after. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepeval.core.chat import Failure, FailureKind, Message, Request, Response, Usage

# The model never saw the request: it used nothing.
_REFUSED = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.TLS,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS_TIMEOUT,
        FailureKind.REDIRECT,
        FailureKind.BAD_REQUEST,
        FailureKind.AUTHENTICATION,
        FailureKind.BALANCE,
        FailureKind.NOT_FOUND,
        FailureKind.RATE_LIMIT,
        FailureKind.SIMULATED,
    }
)
_NOTHING = Usage(0, 0)

_PER_MESSAGE = 16  # what a chat template adds: role, separators
_PER_MEDIUM = 8_192  # an image, a sound: its link says nothing of its size
_OUTPUT_UNSEEN = 16_384  # a choice of a model that was given no max_tokens and not seen yet
_ENOUGH_SEEN = 20
_HEADROOM = 2
_LARGEST = 10**12  # far from where numbers overflow


def input_bound(request: Request) -> int:
    """Tokens of the prompt, never fewer than there are: a token is at least one byte of text.

    English is about four bytes a token, so this is some four times too high.
    """
    own = sum(_message_bytes(message) + _PER_MESSAGE for message in request.messages)
    return own + sum(_bytes(tool) for tool in (*request.tools, request.response_format or {}))


def _message_bytes(message: Message) -> int:
    calls = sum(len(call.name) + _bytes(call.arguments) for call in message.tool_calls)
    return calls + _bytes(message.content)


def _bytes(value: Any) -> int:
    """Of all texts in ``value``, whatever holds them."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, Mapping):
        medium = _PER_MEDIUM if str(value.get("type", "text")).endswith(("_url", "_audio")) else 0
        return medium + sum(_bytes(key) + _bytes(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value))
    return 0 if value is None else len(str(value))


def choices(params: Mapping[str, Any]) -> int:
    """How many answers one request asks for."""
    return _count(params.get("n")) or 1


def most_output(params: Mapping[str, Any]) -> int | None:
    """Tokens that ``max_tokens`` allows a choice; None where it bounds nothing.

    What a server may make of one that is no count (-1, text, true), nobody knows.
    """
    return _count(params.get("max_tokens"))


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return min(value, _LARGEST) if is_count else None


@dataclass(slots=True)
class OutputBound:
    """Tokens that an answer of one arm may take: ``max_tokens`` where it is set, else a running
    bound, which is a guess: twice the longest answer so far, and no less than 16,384 a choice
    until twenty were seen.
    """

    seen: int = 0
    longest: int = 0

    def add(self, longest: int, answers: int = 1) -> None:
        self.seen += answers
        self.longest = max(self.longest, longest)

    def of(self, request: Request) -> int:
        times, most = choices(request.params), most_output(request.params)
        if most is not None:
            return most * times
        guessed = self.longest * _HEADROOM
        return guessed if self.seen >= _ENOUGH_SEEN else max(guessed, _OUTPUT_UNSEEN * times)


def usage_of(result: Response | Failure) -> Usage:
    """What the answer, or the part of it that came, says it used; fields are None where unknown.

    A refusal used nothing. A server's error or a stream that broke off may have used something.
    """
    if isinstance(result, Response):
        return result.usage
    if result.partial is not None:
        return result.partial.usage
    return _NOTHING if result.kind in _REFUSED else Usage()
