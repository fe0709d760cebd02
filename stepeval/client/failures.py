"""What the head and body of a refusal say. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from stepeval.core.chat import FailureKind

_KINDS: Mapping[int, FailureKind] = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.AUTHENTICATION,
    402: FailureKind.BALANCE,
    403: FailureKind.AUTHENTICATION,
    404: FailureKind.NOT_FOUND,
    429: FailureKind.RATE_LIMIT,
    451: FailureKind.MODERATION,
}
_CLASSES: Mapping[int, FailureKind] = {3: FailureKind.REDIRECT, 5: FailureKind.SERVER}


def kind_of_status(status: int) -> FailureKind:
    return _KINDS.get(status) or _CLASSES.get(status // 100, FailureKind.HTTP)


def error_message(body: bytes) -> str:
    """The server's words: ``{"error": {"message"}}`` and its relatives, else the body itself."""
    try:
        root = orjson.loads(body)
    except orjson.JSONDecodeError:
        root = None
    return message_in(root) or body.decode(errors="replace").strip()


def message_in(root: Any) -> str | None:
    """The message of a decoded error body; None where it has none."""
    if not isinstance(root, dict):
        return None
    for name in ("error", "message", "detail"):
        said = root.get(name)
        if isinstance(said, dict):
            said = said.get("message")
        if isinstance(said, str) and said.strip():
            return said.strip()
    return None


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from ``now`` (seconds since 1970), by Retry-After-Ms, else by Retry-After.

    None where the header is absent or says nothing that can be understood.
    """
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds = _seconds(said)
    return seconds if seconds is not None or said is None else _until(said, now)


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(date: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(moment.timestamp() - now, 0.0)
    except OverflowError:
        return None


def trace_id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-trace-id") or headers.get("x-request-id") or None
