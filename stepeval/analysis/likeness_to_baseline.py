"""What differs between a run and its baseline: a drop may come from any of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stepeval.core.baseline import Baseline, BaselineArm, rules_id
from stepeval.core.gate import GatePlan
from stepeval.core.hosts import host_of, is_loopback, origin_of
from stepeval.core.pricing import price_for
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Arm, Price, Suite

_OLD_S = 30 * 86_400.0
_DAY_S = 86_400.0
_LONGEST = 60


def what_differs(
    info: RunInfo,
    suite: Suite,
    baseline: Baseline,
    pairs: Sequence[tuple[Arm, BaselineArm]],
    plan: GatePlan,
) -> Iterator[str]:
    """Sentences about what should be alike; worst first."""
    called = f"baseline {baseline.name}"
    if info.mode is not baseline.mode:
        yield f"the run is {info.mode.value} and {called} {baseline.mode.value}"
    yield from _left_over(suite, baseline, pairs)
    if info.id in baseline.runs:
        yield f"{called} was made of this very run: it can be no worse than itself"
    for arm, reference in pairs:
        server = origin_of(suite.provider(arm.provider).base_url)
        local = is_loopback(host_of(server)) and is_loopback(host_of(reference.server))
        if server != reference.server and not (local and baseline.mode is Mode.SIMULATED):
            yield f"{arm.name} asked {server}, {called} {reference.server}"
    if rules_id(suite.scoring) != baseline.scoring:
        yield f"{called} was scored by other rules: score the run by them, or make it anew"
    if "cost" in plan.margins:
        for arm, reference in pairs:
            price = price_for(arm, suite, info.asked_as)
            if arm.model == reference.model and _rates(price) != _rates(reference.price):
                yield f"the price of {arm.model} is not what it was for {called}"
    age_s = info.created_at - baseline.made_at
    if age_s > _OLD_S:
        yield (
            f"{called} is {age_s / _DAY_S:.0f} days older than the run: the service may have "
            "changed since"
        )


def _left_over(
    suite: Suite, baseline: Baseline, pairs: Sequence[tuple[Arm, BaselineArm]]
) -> Iterator[str]:
    """An arm under a new name is gated against nothing, and that must not go unseen."""
    ours, theirs = {arm.name for arm, _ in pairs}, {reference.name for _, reference in pairs}
    for arm in suite.arms:
        if arm.name not in ours:
            yield f"{arm.name} is not in baseline {baseline.name}, and is not gated"
    for reference in baseline.arms:
        if reference.name not in theirs:
            yield f"{reference.name} of baseline {baseline.name} is not in the run"


def what_changed(suite: Suite, arm: Arm, reference: BaselineArm) -> Iterator[str]:
    """What is tried out: ``reasoning_effort: high -> low``."""
    ours, theirs = suite.prompt(arm.prompt), reference.prompt
    if (ours.messages, ours.tools, ours.response_format) != (
        theirs.messages,
        theirs.tools,
        theirs.response_format,
    ):
        yield "prompt" if ours.id == theirs.id else f"prompt: {theirs.id} -> {ours.id}"
    before: Mapping[str, Any] = {"model": reference.model, **reference.params}
    now: Mapping[str, Any] = {"model": arm.model, **arm.params}
    for name in dict.fromkeys((*before, *now)):
        old, new = (_said(side, name) for side in (before, now))
        if old != new:
            yield f"{name}: {old} -> {new}"


def _said(side: Mapping[str, Any], name: str) -> str:
    if name not in side:
        return "not set"
    value = side[name]
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _rates(price: Price | None) -> tuple[object, ...] | None:
    return None if price is None else (price.currency, price.input, price.cached, price.output)
