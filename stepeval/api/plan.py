"""What a suite will send, use, cost and take, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stepeval.api.estimates import NOTHING, Past, Range, by_thumb, predicted
from stepeval.core.chat import Request, Usage
from stepeval.core.hosts import host_of, is_loopback
from stepeval.core.pricing import cost
from stepeval.core.task import Arm, Cell, Price, Suite
from stepeval.execution.outlay import choices, most_output
from stepeval.suite.requests import make_request

# Rough figures for a model nothing is known of yet; a run measures the true ones.
_CHARS_PER_TOKEN = 4
_TYPICAL_OUTPUT = {"low": 150, "medium": 500, "high": 1500}
_TYPICAL_WITHOUT_EFFORT = 400
_TOKENS_PER_SECOND = 100
_SECONDS_TO_FIRST_TOKEN = 0.5
_SAMPLES_LOOKED_AT = 500  # enough for a mean; a dataset may hold a hundred thousand


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """For all the arm's requests together. ``most_*``: what max_tokens allows, None where nothing
    bounds it. ``cost`` is None where the price is not known. ``seconds`` are those of one request
    after the other. ``basis`` says where the figures come from. ``local``: on this machine.
    """

    name: str
    model: str
    requests: int
    input_tokens: Range
    output_tokens: Range
    most_output_tokens: int | None
    cost: Range | None
    most_cost: float | None
    currency: str | None
    seconds: Range
    basis: str
    local: bool


@dataclass(frozen=True, slots=True)
class Total:
    """Of all arms of one currency. ``most`` is None where nothing bounds one of them."""

    cost: Range
    most: float | None


def plan_arm(
    suite: Suite, arm: Arm, price: Price | None, past: Past, requests: int | None = None
) -> ArmPlan:
    """``requests``: how many it sends, where that is not the whole grid."""
    requests = len(suite.samples) * suite.epochs if requests is None else requests
    limit = most_output(arm.params)
    most = None if limit is None else limit * choices(arm.params) * requests
    thumb = _thumb(suite, arm, requests)
    use = _from_past(past, requests) if past.is_enough and requests else thumb
    most_cost = None if most is None else cost(Usage(round(use.input.high), most), price)
    output = use.output.at_most(most)
    return ArmPlan(
        name=arm.name,
        model=arm.model,
        requests=requests,
        input_tokens=use.input,
        output_tokens=output,
        most_output_tokens=most,
        cost=_cost(use, output, price, most_cost),
        most_cost=most_cost,
        currency=None if price is None else price.currency,
        seconds=use.seconds,
        basis=use.basis,
        local=is_loopback(host_of(suite.provider(arm.provider).base_url)),
    )


def totals(arms: tuple[ArmPlan, ...]) -> Mapping[str, Total]:
    """By currency: they are never added up. Arms of unknown cost are in none."""
    found: dict[str, Total] = {}
    for arm in arms:
        if arm.cost is None or arm.currency is None:
            continue
        so_far = found.get(arm.currency, Total(NOTHING, 0.0))
        bounded = so_far.most is not None and arm.most_cost is not None
        most = (so_far.most or 0.0) + (arm.most_cost or 0.0) if bounded else None
        found[arm.currency] = Total(so_far.cost + arm.cost, most)
    return found


@dataclass(frozen=True, slots=True)
class _Use:
    input: Range
    output: Range
    seconds: Range
    cost: Range | None
    basis: str


def _from_past(past: Past, requests: int) -> _Use:
    count = len(past.outputs)
    return _Use(
        predicted(past.inputs, requests),
        predicted(past.outputs, requests),
        predicted(past.seconds, requests),
        predicted(past.costs, requests) if len(past.costs) == count else None,
        f"from {count:,} requests of {past.runs} stored run{'s' if past.runs > 1 else ''}",
    )


def _thumb(suite: Suite, arm: Arm, requests: int) -> _Use:
    most, times = most_output(arm.params), choices(arm.params)
    effort = str(arm.params.get("reasoning_effort"))
    each = _TYPICAL_OUTPUT.get(effort, _TYPICAL_WITHOUT_EFFORT) * times
    output = by_thumb(each).at_most(None if most is None else most * times)
    return _Use(
        by_thumb(_mean_input_tokens(suite, arm)).times(requests),
        output.times(requests),
        Range(
            *(_SECONDS_TO_FIRST_TOKEN + tokens / _TOKENS_PER_SECOND for tokens in _ends(output))
        ).times(requests),
        None,
        f"assumed: {_CHARS_PER_TOKEN} characters a token, about {each:,} tokens an answer",
    )


def _ends(found: Range) -> tuple[float, float, float]:
    return found.low, found.likely, found.high


def _cost(use: _Use, output: Range, price: Price | None, most: float | None) -> Range | None:
    if price is None:
        return None
    if use.cost is not None:
        return use.cost.at_most(most)
    pairs = zip(_ends(use.input), _ends(output), strict=True)
    low, likely, high = (cost(Usage(round(i), round(o)), price) or 0.0 for i, o in pairs)
    return Range(low, likely, high).at_most(most)


def _mean_input_tokens(suite: Suite, arm: Arm) -> float:
    make = make_request(suite)
    looked_at = tuple(islice(suite.samples, _SAMPLES_LOOKED_AT))
    characters = sum(_characters(make(Cell("", arm, sample))) for sample in looked_at)
    return characters / _CHARS_PER_TOKEN / max(len(looked_at), 1)


def _characters(request: Request) -> int:
    return sum(_length(message.content) for message in request.messages)


def _length(content: str | tuple[Any, ...] | None) -> int:
    """Of text, whole or in parts; what an image comes to is not known here."""
    if isinstance(content, tuple):
        return sum(len(str(part.get("text", ""))) for part in content)
    return len(content or "")
