"""The null server's half of HTTP: requests found in bytes, answers made before they are asked."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from stepeval.simulator.dialect import DONE
from stepeval.simulator.refusal import Refusal, invalid
from stepeval.simulator.reply import VERSION, VERSION_HEADER, chunk, head
from stepeval.simulator.sabotage import EVENTS, JSON

_COMPLETIONS = b"/chat/completions"
_PROMPT_TOKENS = 8
_LARGEST_HEAD = 1 << 16
_LARGEST_BODY = 8 << 20
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"\r\nx-request-id:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_STREAM = re.compile(rb'"stream"\s*:\s*true')  # a quote inside of a JSON string is escaped
_FRAME = {"id": "null", "created": 0, "model": "null"}


class Asked(NamedTuple):
    """A whole request; ``size``: of its bytes, all told. ``close``: the last of its connection."""

    method: bytes
    path: bytes
    request_id: str | None
    body: bytes
    size: int
    close: bool

    @property
    def completion(self) -> bool:
        return self.path.endswith(_COMPLETIONS)

    @property
    def stream(self) -> bool:
        return _STREAM.search(self.body) is not None


def find_request(data: bytes | bytearray) -> Asked | None:
    """The request that ``data`` begins with; None while it is not complete.

    Raises:
        ValueError: It never will be, in words for the client.
    """
    end = data.find(b"\r\n\r\n")
    if end > _LARGEST_HEAD or (end < 0 and len(data) > _LARGEST_HEAD):
        raise ValueError(f"the head is larger than {_LARGEST_HEAD} bytes")
    if end < 0:
        return None
    start = bytes(data[: end + 2])
    try:
        method, path, _ = start[: start.find(b"\r\n")].split(b" ")
    except ValueError:
        raise ValueError("this is no request of HTTP/1.1") from None
    length = _LENGTH.search(start)
    if length is None and method == b"POST":
        raise ValueError("the null server needs a Content-Length")
    size = end + 4 + (int(length[1]) if length else 0)
    if size > _LARGEST_BODY:
        raise ValueError(f"the request is larger than {_LARGEST_BODY} bytes")
    if len(data) < size:
        return None
    named = _REQUEST_ID.search(start)
    return Asked(
        method=method,
        path=path.partition(b"?")[0],
        request_id=named[1].strip().decode("latin-1") if named else None,
        body=bytes(data[end + 4 : size]),
        size=size,
        close=_CLOSE.search(start) is not None,
    )


def completion(content: str) -> bytes:
    """The response to a request that is not streamed."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    said = {"object": "chat.completion", "choices": [choice], "usage": _usage(1)}
    return _whole(200, orjson.dumps({**_FRAME, **said}))


def stream(chunks: int) -> tuple[bytes, ...]:
    """A write for each chunk, of one token each.

    The head leaves with the first one, ``[DONE]`` and the end of the body with the last.
    """
    start = head(200, {**_fields(EVENTS), "transfer-encoding": "chunked"})
    writes = [_event(number, last=number == chunks) for number in range(1, chunks + 1)]
    writes[0] = start + writes[0]
    writes[-1] += chunk(DONE) + chunk(b"")
    return tuple(writes)


def models() -> bytes:
    listed = [{"id": _FRAME["model"], "object": "model"}]
    return _whole(200, orjson.dumps({"object": "list", "data": listed}))


def not_found() -> bytes:
    return _whole(404, Refusal(404, "the null server has no such path", "not_found").body)


def refused(message: str) -> bytes:
    return _whole(400, invalid(message).body)


def _event(number: int, *, last: bool) -> bytes:
    delta = {"role": "assistant" if number == 1 else "", "content": " 42"}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if last else ""}
    said = {"object": "chat.completion.chunk", "choices": [choice], "usage": _usage(number)}
    return chunk(b"data: " + orjson.dumps({**_FRAME, **said}) + b"\n\n")


def _usage(tokens: int) -> dict[str, int | None]:
    return {
        "prompt_tokens": _PROMPT_TOKENS,
        "completion_tokens": tokens,
        "total_tokens": _PROMPT_TOKENS + tokens,
        "cached_tokens": 0,
        "completion_tokens_details": None,
    }


def _whole(status: int, body: bytes) -> bytes:
    return head(status, {**_fields(JSON), "content-length": str(len(body))}) + body


def _fields(content_type: str) -> Mapping[str, str]:
    return {"content-type": content_type, VERSION_HEADER: VERSION, "x-trace-id": "null"}
