"""The menu of faults, and which of them a request gets."""

import random
from collections.abc import Mapping

from stepeval.core.errors import did_you_mean
from stepeval.simulator.refusal import Refusal, invalid

HEADER = "x-simulate-fault"
MODEL_PREFIX = "fault:"

STATUS_FAULTS: Mapping[str, Refusal] = {
    "400": Refusal(400, "Request not valid", "request_params_invalid"),
    "401": Refusal(401, "Incorrect API key provided", "invalid_api_key"),
    "402": Refusal(402, "Your balance is not sufficient", "insufficient_balance"),
    "404": Refusal(404, "The model does not exist", "model_not_found"),
    "429": Refusal(429, "Too many requests", "rate_limited"),
    "429-retry-after": Refusal(429, "Too many requests", "rate_limited", retry_after_s=1),
    "451": Refusal(451, "The content was blocked by moderation", "censorship_blocked"),
    "500": Refusal(500, "Internal server error", "server_error"),
    "503": Refusal(503, "The engine is overloaded", "engine_overloaded"),
    "504": Refusal(504, "The engine did not answer in time", "timeout"),
}
DIALECT_FAULTS = ("ignore-effort", "negative-usage", "no-usage", "usage-last")
EVENT_FAULTS = ("broken-sse", "cut-stream", "invalid-utf8")
BODY_FAULTS = (
    "early-close",
    "endless-headers",
    "endless-stream",
    "garbage",
    "gzip-bomb",
    "huge-line",
    "trickle",
    "two-responses",
    "wrong-content-type",
)
WITHOUT_STATUS = ("early-close", "garbage")  # nothing is sent, or nothing that has a status
FAULTS: tuple[str, ...] = (
    *STATUS_FAULTS,
    *DIALECT_FAULTS,
    *EVENT_FAULTS,
    *BODY_FAULTS,
    "slow-headers",
)


def choose(
    header: str | None, model: str, rates: Mapping[str, float], draw: str
) -> str | Refusal | None:
    """What befalls a request: the refusal it gets, or the name of any other fault.

    The header's fault, else the model's (``fault:NAME``), else one by seeded chance.

    ``draw`` seeds the chance. A name that is on no menu is refused with 400.
    """
    asked = header or (model.removeprefix(MODEL_PREFIX) if model.startswith(MODEL_PREFIX) else None)
    name = asked or _by_chance(rates, draw)
    if name is not None and name not in FAULTS:
        return invalid(f"unknown fault {name!r}{did_you_mean(name, FAULTS)}")
    return STATUS_FAULTS.get(name, name) if name else None


def _by_chance(rates: Mapping[str, float], draw: str) -> str | None:
    if not rates:
        return None
    left = random.Random(draw).random()
    for name, rate in rates.items():
        left -= rate
        if left < 0:
            return name
    return None
