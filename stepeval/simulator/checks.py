"""Which requests the simulated API refuses, and with what words."""

from collections.abc import Collection
from typing import Any

from stepeval.core.models import check_parameter
from stepeval.simulator.refusal import Refusal, invalid

_CHECKED = (
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stop",
    "frequency_penalty",
    "reasoning_format",
    "reasoning_effort",
    "response_format",
    "tools",
    "stream_options",
)
_ROLES = ("system", "user", "assistant", "tool")
_MODEL_WITH_ALL_TIERS = "step-3.7-flash"  # its ranges hold for names that core knows nothing of
_MOST_CHOICES = 128


def check(body: Any, models: Collection[str], documented: Collection[str]) -> Refusal | None:
    """The first thing wrong with a body, or None.

    Unknown parameters pass, as they do with StepFun; ``null`` counts as not given. ``documented``
    are those of ``models`` whose parameter ranges are known.
    """
    if not isinstance(body, dict):
        return invalid("the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return invalid("model is required and must be a string")
    if model not in models:
        return Refusal(404, f"The model {model!r} does not exist", "model_not_found")
    return _check_messages(body.get("messages")) or _check_parameters(
        body, model if model in documented else _MODEL_WITH_ALL_TIERS
    )


def _check_messages(messages: Any) -> Refusal | None:
    if not isinstance(messages, list) or not messages:
        return invalid("messages is required and must be an array that is not empty")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return invalid(f"messages[{place}].role must be one of {', '.join(_ROLES)}")
        if not isinstance(message.get("content"), str | list | None):
            return invalid(f"messages[{place}].content must be a string or an array of parts")
    return None


def _check_parameters(body: dict[str, Any], model: str) -> Refusal | None:
    for name in _CHECKED:
        value = body.get(name)
        if value is None:
            continue
        problem = check_parameter(model, name, value)
        if problem is not None and problem.fatal:
            return invalid(problem.message)
    if (body.get("n") or 1) > _MOST_CHOICES:
        return invalid(f"n must be at most {_MOST_CHOICES}, not {body['n']}")
    return None
