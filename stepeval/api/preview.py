"""What a suite would send and cost, said before a single request."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stepeval.api.access import all_simulated
from stepeval.api.builtin import SCORERS
from stepeval.api.doubts import price_doubts
from stepeval.api.estimates import Past, Range
from stepeval.api.history import learned_of, past_of
from stepeval.api.pace import duration, paces
from stepeval.api.plan import ArmPlan, plan_arm, totals
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.scoring import bind_rules, is_user_code, unjudgeable
from stepeval.core.amounts import duration_text
from stepeval.core.errors import Problem
from stepeval.core.pricing import price_for, wary_price
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Price, Suite
from stepeval.suite.json_schema import suite_schema
from stepeval.suite.starter import STARTER

__all__ = ["STARTER", "Preview", "preview", "preview_suite", "schema_of_suites"]


@dataclass(frozen=True, slots=True)
class Preview:
    """``seconds`` is how long the run will take, ``concurrency`` in flight at most. ``limits``:
    stored runs learned the account's limits, and it keeps within them.
    """

    suite: str
    arms: tuple[ArmPlan, ...]
    samples: int
    epochs: int
    concurrency: int
    seconds: Range
    hosts: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    limits: bool = False

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
        yield f"total cost: {cost_words(self.arms)}"
        low, high = (duration_text(end) for end in (self.seconds.low, self.seconds.high))
        yield (
            f"time: about {duration_text(self.seconds.likely)} ({low} to {high}) with up to "
            f"{self.concurrency} in flight, "
            + (
                "within the limits that stored runs met"
                if self.limits
                else "if the account's limits allow it"
            )
        )
        yield "Tokens, cost and time are estimates; nothing has been sent."


def preview(options: SuiteOptions, runs: Path) -> Preview:
    """``runs``: the folder of stored runs, whose usage is the best guess there is.

    Raises what :func:`stepeval.api.preparation.prepare` raises.
    """
    suite, warnings = prepare(options)
    mode = Mode.SIMULATED if all_simulated(suite) else Mode.LIVE
    told = tuple(
        str(warning) for warning in (*warnings, *price_doubts(suite, mode), *_mute_rules(suite))
    )
    return replace(preview_suite(suite, mode, runs), warnings=told)


_WHOLE: Mapping[str, int] = {}


def wary_preview(
    suite: Suite, mode: Mode, runs: Path, requests: Mapping[str, int] = _WHOLE
) -> Preview:
    """Where suite and stored runs may come from a stranger: a cost is no less than by list prices,
    and its upper end no less than what the rule of thumb takes to be likely.

    ``requests``: by arm, how many are sent where it is not the whole grid.
    """
    told = preview_suite(suite, mode, runs, wary_price, requests)
    dear = {arm.name: wary_price(arm, suite, mode) for arm in suite.arms}
    thumbs = (
        plan_arm(suite, arm, dear[arm.name], Past(), requests.get(arm.name)).cost
        for arm in suite.arms
    )
    pairs = zip(told.arms, thumbs, strict=True)
    arms = tuple(replace(arm, cost=_no_less(arm.cost, thumb)) for arm, thumb in pairs)
    return replace(told, arms=arms)


def _no_less(cost: Range | None, thumb: Range | None) -> Range | None:
    if cost is None or thumb is None:
        return cost
    return replace(cost, high=max(cost.high, thumb.likely))


def preview_suite(
    suite: Suite,
    mode: Mode,
    runs: Path,
    price: Callable[[Arm, Suite, Mode], Price | None] = price_for,
    requests: Mapping[str, int] = _WHOLE,
) -> Preview:
    prices = {arm.name: price(arm, suite, mode) for arm in suite.arms}
    past = past_of(suite, mode, runs, prices)
    arms = tuple(
        plan_arm(suite, arm, prices[arm.name], past.get(arm.name, Past()), requests.get(arm.name))
        for arm in suite.arms
    )
    learned = learned_of(suite, mode, runs)
    by_provider = paces(suite, learned)
    return Preview(
        suite=suite.name,
        arms=arms,
        samples=len(suite.samples),
        epochs=suite.epochs,
        concurrency=int(min(max(pace.most for pace in by_provider.values()), suite.cell_count)),
        seconds=duration(suite, arms, by_provider),
        hosts=tuple(dict.fromkeys(suite.provider(arm.provider).base_url for arm in suite.arms)),
        limits=bool(learned),
    )


def schema_of_suites() -> dict[str, Any]:
    return suite_schema(SCORERS)


def _mute_rules(suite: Suite) -> Iterator[Problem]:
    """Looks at built-in rules only: validating a suite runs none of its code."""
    built_in = tuple(rule for rule in suite.scoring if not is_user_code(rule))
    rules = bind_rules(replace(suite, scoring=built_in), allow_code=False)
    return unjudgeable(suite, rules)


def _arm_line(arm: ArmPlan) -> str:
    output = arm.output_tokens
    tokens = f"about {arm.input_tokens.likely:,.0f} tokens in, {output.likely:,.0f} out"
    bound = "" if arm.most_output_tokens is None else f"; at most {arm.most_output_tokens:,}"
    spread = f"({output.low:,.0f} to {output.high:,.0f}{bound})"
    price = "cost unknown" if arm.cost is None else f"about {arm.cost.likely:.4f} {arm.currency}"
    head = f"{arm.name} ({arm.model}): {arm.requests} requests"
    return f"{head}, {tokens} {spread}, {price}; {arm.basis}"


def cost_words(arms: tuple[ArmPlan, ...]) -> str:
    if any(arm.cost is None for arm in arms):
        return "unknown (no price is known for some model; the suite can give one under pricing:)"
    return ", ".join(
        f"about {total.cost.likely:.4f} {currency} ({total.cost.low:.4f} to {total.cost.high:.4f}"
        + (
            "; no max_tokens, so no upper bound)"
            if total.most is None
            else f"; at most {total.most:.4f})"
        )
        for currency, total in totals(arms).items()
    )
