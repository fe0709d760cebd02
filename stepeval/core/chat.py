"""What is said to a chat API, and what comes back. Values without behaviour.

``None`` always means "the API did not say"; it is never a stand-in for zero.
Clock readings are monotonic nanoseconds of one process, comparable only with each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """``arguments`` is the text as the model wrote it, which need not be valid JSON."""

    id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """``content`` is text, or the parts (text, image_url, ...) as they go on the wire."""

    role: str
    content: str | tuple[JsonObject, ...] | None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """``params`` holds every other field of the body, just as the suite set it."""

    provider: str
    model: str
    messages: tuple[Message, ...]
    params: JsonObject = field(default_factory=dict)
    tools: tuple[JsonObject, ...] = ()
    response_format: JsonObject | None = None

    @property
    def stream(self) -> bool:
        return self.params.get("stream") is True


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class ChunkKind(StrEnum):
    ROLE = "role"  # names the speaker, carries no token: never the first token
    REASONING = "reasoning"
    ANSWER = "answer"
    TOOL = "tool"
    MIXED = "mixed"  # reasoning and answer in one event
    CONTROL = "control"  # no text: a finish, an end-of-sequence token
    USAGE = "usage"  # no choice at all


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stream event of one choice, as it arrived.

    The event was complete at ``arrival_ns`` and not before ``not_before_ns`` (the read before);
    ``stamp`` names the clock's reader ("read" or "kernel"). ``coalesced``: it shared its read with
    another event. ``output_tokens`` is the usage so far, cumulative, where the server sends it.
    """

    arrival_ns: int
    not_before_ns: int
    kind: ChunkKind
    choice: int = 0
    output_tokens: int | None = None
    reasoning_chars: int = 0
    answer_chars: int = 0
    coalesced: bool = False
    stamp: str = "read"


@dataclass(frozen=True, slots=True)
class Timing:
    """When each stage of one request was reached; None for a stage it never reached.

    ``scheduled_ns``: when it was due. ``sent_ns``: when its first byte was written, the
    connection being open. ``headers_ns``: the response's head. ``done_ns``: the body's end.
    """

    scheduled_ns: int | None
    sent_ns: int | None
    headers_ns: int | None
    done_ns: int | None
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    index: int
    text: str
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """``quota``: the x-ratelimit-* headers as they came, by lower-case name."""

    id: str | None
    model: str | None
    choices: tuple[Choice, ...]
    usage: Usage
    timing: Timing
    trace_id: str | None = None
    simulated: bool = False
    quota: Mapping[str, str] | None = None


class FailureKind(StrEnum):
    """Why a request has no answer. Statuses have their own kinds where callers act on them."""

    CONNECT = "connect"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_TIMEOUT = "tls_timeout"
    WRITE_TIMEOUT = "write_timeout"  # the server takes no more of the request
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"  # no byte of a response
    READ_TIMEOUT = "read_timeout"  # nothing more arrived for too long
    TOTAL_TIMEOUT = "total_timeout"  # the whole request took too long
    DISCONNECTED = "disconnected"  # the connection ended before the response did
    PROTOCOL = "protocol"  # not HTTP
    LONG_HEAD = "long_head"  # headers without end
    EXTRA_RESPONSE = "extra_response"  # more than one response to one request
    TOO_LARGE = "too_large"
    BOMB = "decompression_bomb"  # a small body that inflates beyond the cap
    CONTENT_TYPE = "content_type"
    BAD_STREAM = "bad_stream"  # server-sent events that are none, or hold no chunk
    BAD_RESPONSE = "bad_response"  # a body that is no chat completion
    REDIRECT = "redirect"
    BAD_REQUEST = "bad_request"  # 400
    AUTHENTICATION = "authentication"  # 401, 403
    BALANCE = "balance"  # 402
    NOT_FOUND = "not_found"  # 404
    RATE_LIMIT = "rate_limit"  # 429
    MODERATION = "moderation"  # 451
    SERVER = "server"  # 5xx
    HTTP = "http"  # any other status
    CUT = "cut"  # the user ended a load before it was answered
    SIMULATED = "simulated"  # a simulator answered a live run


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without an answer. ``partial`` is what had arrived by then: it was paid for.

    ``quota``: the x-ratelimit-* headers as they came, by lower-case name.
    """

    kind: FailureKind
    message: str
    status: int | None = None
    retry_after_s: float | None = None
    trace_id: str | None = None
    timing: Timing | None = None
    partial: Response | None = None
    quota: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went over the wire (``body`` is its JSON text), and what came of it.

    ``from_cache``: an earlier run's answer to the same request; nothing was sent.
    """

    url: str
    body: str
    result: Response | Failure
    from_cache: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that came with one read; the times are those of a :class:`Chunk`, in nanoseconds since
    the request's first byte was written.
    """

    arrival_ns: int
    not_before_ns: int
    data: bytes
    stamp: str = "read"


@dataclass(frozen=True, slots=True)
class Wire:
    """A response before anything of it was understood, without keys.

    ``sent``: the request's first byte was written. ``status`` and ``headers_ns`` are None where no
    head came. ``headers`` are those that matter, in lower case. ``cut`` says why the body, or the
    head, did not come to its end.
    """

    sent: bool
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    headers_ns: int | None = None
    pieces: tuple[Piece, ...] = ()
    cut: tuple[FailureKind, str] | None = None


@dataclass(frozen=True, slots=True)
class Taped(Exchange):
    """One that is to be recorded. ``wire`` is None where a key could not be taken out of it."""

    wire: Wire | None = None
