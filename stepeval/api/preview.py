"""What a suite would send and cost, said before a single request."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from stepeval.api.builtin import SCORERS
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.scoring import bind_rules, is_user_code, unjudgeable
from stepeval.core.chat import Request, Usage
from stepeval.core.errors import Problem
from stepeval.core.pricing import cost, price_for
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Cell, Suite
from stepeval.suite.json_schema import suite_schema
from stepeval.suite.requests import make_request
from stepeval.suite.starter import STARTER

__all__ = ["STARTER", "ArmPreview", "Preview", "preview", "schema_of_suites"]

# Rough figures for a model nothing is known of yet; a run measures the true ones.
_CHARS_PER_TOKEN = 4
_TYPICAL_OUTPUT = {"low": 150, "medium": 500, "high": 1500}
_TYPICAL_WITHOUT_EFFORT = 400
_TOKENS_PER_SECOND = 100
_SECONDS_TO_FIRST_TOKEN = 0.5
_SAMPLES_LOOKED_AT = 500  # enough for a mean; a dataset may hold a hundred thousand


@dataclass(frozen=True, slots=True)
class ArmPreview:
    """Tokens are estimates for all the arm's requests together; None means nothing bounds it."""

    name: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    most_output_tokens: int | None
    cost: float | None
    most_cost: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    suite: str
    arms: tuple[ArmPreview, ...]
    samples: int
    epochs: int
    concurrency: int
    seconds: float
    hosts: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def requests(self) -> int:
        return sum(arm.requests for arm in self.arms)

    def lines(self) -> Iterator[str]:
        yield (
            f"{self.suite}: {len(self.arms)} arms x {self.samples} samples x {self.epochs} epochs"
            f" = {self.requests} requests to {', '.join(self.hosts)}"
        )
        for arm in self.arms:
            yield f"  {_arm_line(arm)}"
        yield f"total cost: {_total_cost(self.arms)}"
        yield f"time: about {self.seconds:.0f} s with {self.concurrency} in flight"
        yield "Tokens, cost and time are rough estimates; nothing has been sent."


def preview(options: SuiteOptions) -> Preview:
    """Raises what :func:`stepeval.api.preparation.prepare` raises."""
    suite, warnings = prepare(options)
    arms = tuple(_preview_arm(suite, arm) for arm in suite.arms)
    output = sum(arm.output_tokens for arm in arms)
    waiting = suite.cell_count * _SECONDS_TO_FIRST_TOKEN + output / _TOKENS_PER_SECOND
    return Preview(
        suite=suite.name,
        arms=arms,
        samples=len(suite.samples),
        epochs=suite.epochs,
        concurrency=suite.limits.concurrency,
        seconds=waiting / min(suite.limits.concurrency, max(suite.cell_count, 1)),
        hosts=tuple(dict.fromkeys(suite.provider(arm.provider).base_url for arm in suite.arms)),
        warnings=tuple(str(warning) for warning in (*warnings, *_mute_rules(suite))),
    )


def schema_of_suites() -> dict[str, Any]:
    return suite_schema(SCORERS)


def _mute_rules(suite: Suite) -> Iterator[Problem]:
    """Looks at built-in rules only: validating a suite runs none of its code."""
    built_in = tuple(rule for rule in suite.scoring if not is_user_code(rule))
    rules = bind_rules(replace(suite, scoring=built_in), allow_code=False)
    return unjudgeable(suite, rules)


def _preview_arm(suite: Suite, arm: Arm) -> ArmPreview:
    requests = len(suite.samples) * suite.epochs
    per_request = _mean_input_tokens(suite, arm)
    choices = arm.params.get("n", 1)
    most = arm.params.get("max_tokens")
    effort = str(arm.params.get("reasoning_effort"))
    typical = _TYPICAL_OUTPUT.get(effort, _TYPICAL_WITHOUT_EFFORT) * choices
    likely = typical if most is None else min(typical, most * choices)
    price = price_for(arm, suite, Mode.LIVE)

    def cost_of(output: int) -> float | None:
        return cost(Usage(round(per_request * requests), output * requests), price)

    return ArmPreview(
        name=arm.name,
        model=arm.model,
        requests=requests,
        input_tokens=round(per_request * requests),
        output_tokens=likely * requests,
        most_output_tokens=None if most is None else most * choices * requests,
        cost=cost_of(likely),
        most_cost=None if most is None else cost_of(most * choices),
        currency=None if price is None else price.currency,
    )


def _mean_input_tokens(suite: Suite, arm: Arm) -> float:
    make = make_request(suite)
    looked_at = tuple(islice(suite.samples, _SAMPLES_LOOKED_AT))
    characters = sum(_characters(make(Cell("", arm, sample))) for sample in looked_at)
    return characters / _CHARS_PER_TOKEN / max(len(looked_at), 1)


def _characters(request: Request) -> int:
    return sum(len(message.content or "") for message in request.messages)


def _arm_line(arm: ArmPreview) -> str:
    tokens = f"about {arm.input_tokens:,} tokens in, {arm.output_tokens:,} out"
    bound = "" if arm.most_output_tokens is None else f" (at most {arm.most_output_tokens:,})"
    price = "cost unknown" if arm.cost is None else f"about {arm.cost:.4f} {arm.currency}"
    return f"{arm.name} ({arm.model}): {arm.requests} requests, {tokens}{bound}, {price}"


def _total_cost(arms: tuple[ArmPreview, ...]) -> str:
    if any(arm.cost is None for arm in arms):
        return "unknown (no price is known for some model; the suite can give one under pricing:)"
    likely: dict[str, float] = {}
    most: dict[str, float | None] = {}
    for arm in arms:
        assert arm.cost is not None
        assert arm.currency is not None
        likely[arm.currency] = likely.get(arm.currency, 0.0) + arm.cost
        so_far = most.get(arm.currency, 0.0)
        unbounded = so_far is None or arm.most_cost is None
        most[arm.currency] = None if unbounded else (so_far or 0.0) + (arm.most_cost or 0.0)
    return ", ".join(
        f"about {amount:.4f} {currency}"
        + (
            " (no max_tokens, so no upper bound)"
            if (top := most[currency]) is None
            else f" (at most {top:.4f})"
        )
        for currency, amount in likely.items()
    )
