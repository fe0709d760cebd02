"""What differs between two arms besides their answers: a difference may come from any of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepeval.analysis.compared_arm import ComparedArm
from stepeval.core.hosts import host_of, is_loopback
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Price

_MISSING = "not set"
_MOST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Unlikeness:
    """``what`` is one of stopping, mode, server, prompt, scorers, prices, load, version."""

    what: str
    sentence: str


def unlikeness(a: ComparedArm, b: ComparedArm) -> tuple[Unlikeness, ...]:
    """What makes a comparison less than fair, or is itself what is compared; worst first."""
    return tuple(
        Unlikeness(what, sentence)
        for what, sentence in (
            ("stopping", _stopping(a, b)),
            ("mode", _mode(a, b)),
            ("server", _server(a, b)),
            ("prompt", _prompt(a, b)),
            ("scorers", _scorers(a, b)),
            ("prices", _prices(a, b)),
            ("load", _load(a, b)),
            ("version", _version(a, b)),
        )
        if sentence
    )


def settings(a: ComparedArm, b: ComparedArm) -> tuple[str, ...]:
    """What was set differently on purpose: ``reasoning_effort: low -> medium``."""
    return tuple(_settings(_asked(a), _asked(b)))


def _asked(side: ComparedArm) -> dict[str, Any]:
    return {"model": side.arm.model, "prompt": side.arm.prompt, **side.arm.params}


def _settings(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*left, *right)):
        one, other = (_value(side, name) for side in (left, right))
        if one != other:
            yield f"{name}: {one} -> {other}"


def _value(side: Mapping[str, Any], name: str) -> str:
    if name not in side:
        return _MISSING
    value = side[name]
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _MOST_VALUE else text[: _MOST_VALUE - 1] + "…"


def _stopping(a: ComparedArm, b: ComparedArm) -> str:
    stopped = dict.fromkeys(side.name for side in (a, b) if side.info.may_stop)
    if not stopped:
        return ""
    return (
        f"{' and '.join(stopped)}: stopped, or dropped, by the answers themselves, so that "
        "intervals cover less than they say"
    )


def _mode(a: ComparedArm, b: ComparedArm) -> str:
    if a.info.mode is b.info.mode and a.info.asked_as is b.info.asked_as:
        return ""
    return f"{a.run} is {_origin(a.info)}, {b.run} is {_origin(b.info)}"


def _origin(info: RunInfo) -> str:
    if info.mode is Mode.REPLAY:
        return f"REPLAY (of {info.asked_as.value} answers)"
    return info.mode.value


def _server(a: ComparedArm, b: ComparedArm) -> str:
    if a.base_url == b.base_url or all(_is_simulator(side) for side in (a, b)):
        return ""
    return f"{a.run} asked {a.base_url}, {b.run} asked {b.base_url}"


def _is_simulator(side: ComparedArm) -> bool:
    """One on this machine: its port changes with every run, and says nothing."""
    return side.info.asked_as is Mode.SIMULATED and is_loopback(host_of(side.base_url))


def _prompt(a: ComparedArm, b: ComparedArm) -> str:
    left, right = a.prompt, b.prompt
    if (left.messages, left.tools, left.response_format) == (
        right.messages,
        right.tools,
        right.response_format,
    ):
        return ""
    if left.id == right.id:
        return f"prompt {left.id!r} is not the same in {a.run} and {b.run}"
    return f"{a.run} has prompt {left.id!r}, {b.run} has {right.id!r}"


def _scorers(a: ComparedArm, b: ComparedArm) -> str:
    left, right = ({rule.id: rule for rule in side.suite.scoring} for side in (a, b))
    differing = [
        name for name in dict.fromkeys((*left, *right)) if left.get(name) != right.get(name)
    ]
    if not differing:
        return ""
    named = ", ".join(differing[:5]) + (", ..." if len(differing) > 5 else "")  # noqa: PLR2004  -- enough to see which
    return f"{a.run} and {b.run} are scored by different rules: {named}"


def _prices(a: ComparedArm, b: ComparedArm) -> str:
    """Only of the same model: another one's price is part of what is compared."""
    if a.arm.model != b.arm.model or _rates(a.price) == _rates(b.price):
        return ""
    return f"{a.arm.model} is priced at {_price(a.price)} in {a.run}, {_price(b.price)} in {b.run}"


def _rates(price: Price | None) -> tuple[object, ...] | None:
    return None if price is None else (price.currency, price.input, price.cached, price.output)


def _price(price: Price | None) -> str:
    if price is None:
        return "an unknown price"
    return f"{price.input:g}/{price.cached:g}/{price.output:g} {price.currency}"


def _load(a: ComparedArm, b: ComparedArm) -> str:
    left, right = a.suite.limits, b.suite.limits
    if left.learned or right.learned or left.concurrency == right.concurrency:
        return ""
    return (
        f"{a.run} had up to {left.concurrency} requests in flight, {b.run} {right.concurrency}: "
        "latency rises with the load"
    )


def _version(a: ComparedArm, b: ComparedArm) -> str:
    left, right = (side.info.versions.get("stepeval", "unknown") for side in (a, b))
    return "" if left == right else f"{a.run} was made by stepeval {left}, {b.run} by {right}"
