"""Which functions the simulated model calls, and with what."""

import json
import random
from collections.abc import Mapping
from typing import Any

from stepeval.core.chat import JsonObject
from stepeval.simulator.plan import PlannedCall
from stepeval.simulator.prose import tokens_of, value_for


def known_calls(body: JsonObject, answer: str, rng: random.Random) -> tuple[PlannedCall, ...]:
    """The calls that an answer spells out, ``{"name", "arguments"}`` or a list of those.

    Empty unless every one of them is a function the body offers.
    """
    tools = _offered(body)
    if not tools:
        return ()
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return ()
    wanted = value if isinstance(value, list) else [value]
    if not all(isinstance(call, dict) and call.get("name") in tools for call in wanted):
        return ()
    return tuple(_planned(call["name"], call.get("arguments", {}), rng) for call in wanted)


def invented_calls(body: JsonObject, rng: random.Random) -> tuple[PlannedCall, ...]:
    """A call for a prompt that no key knows: what ``tool_choice`` or the last user names."""
    tools = _offered(body)
    choice = body.get("tool_choice")
    name = _chosen(choice, tools) or (_mentioned(body, tools) if choice != "none" else None)
    if name is None:
        return ()
    return (_planned(name, value_for(tools[name], rng), rng),)


def _offered(body: JsonObject) -> Mapping[str, JsonObject]:
    """Parameter schemas by function name."""
    functions = [
        tool["function"]
        for tool in body.get("tools") or ()
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    ]
    return {
        function["name"]: function.get("parameters") or {}
        for function in functions
        if isinstance(function.get("name"), str)
    }


def _chosen(choice: Any, tools: Mapping[str, JsonObject]) -> str | None:
    if choice == "required":
        return next(iter(tools), None)
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        name = choice["function"].get("name")
        return name if name in tools else None
    return None


def _mentioned(body: JsonObject, tools: Mapping[str, JsonObject]) -> str | None:
    last = body["messages"][-1]
    if last["role"] != "user" or not isinstance(last.get("content"), str):
        return None
    return next((name for name in tools if name in last["content"]), None)


def _planned(name: str, arguments: Any, rng: random.Random) -> PlannedCall:
    text = json.dumps(arguments, ensure_ascii=False)
    return PlannedCall(f"call_{rng.getrandbits(64):016x}", name, tokens_of(text))
