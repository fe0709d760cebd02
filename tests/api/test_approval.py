"""A person is asked before much is spent; a suite cannot talk them out of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from stepeval.api.approval import question
from stepeval.api.estimates import NOTHING, Past, Range
from stepeval.api.plan import ArmPlan
from stepeval.api.preview import Preview, preview_suite, wary_preview
from stepeval.core.amounts import Money
from stepeval.core.chat import Message
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Budget, Prompt, Provider, Sample, Suite

SUITE = Suite("s", (), (), (), ())
ARM = ArmPlan(
    name="a", model="m", requests=100, input_tokens=NOTHING, output_tokens=NOTHING,
    most_output_tokens=None, cost=Range(0.1, 0.5, 0.9), most_cost=None, currency="USD",
    seconds=NOTHING, basis="", local=False,
)  # fmt: skip


def asked(
    arm: ArmPlan,
    given: Money | None = None,
    budget: Budget = Budget(),  # noqa: B008 -- frozen
) -> str | None:
    told = Preview("s", (arm,), 1, 1, 1, NOTHING, ("https://h/v1",))
    return question(told, replace(SUITE, budget=budget), given)


def usd(amount: float) -> Money:
    return Money(amount, "USD")


def test_the_end_of_the_range_decides() -> None:
    assert asked(ARM) is None
    dear = replace(ARM, cost=Range(0.1, 0.5, 1.1))
    assert asked(dear) == (
        "100 requests to https://h/v1 may cost up to 1.10 USD (most likely 0.50 USD)"
    )


@pytest.mark.parametrize(
    ("given", "of_suite", "asks"),
    [
        (None, None, False),
        (None, usd(0.2), True),
        (None, usd(1000), False),  # above the usual 1 USD, which stays
        (usd(0.2), usd(1000), True),
        (usd(1000), usd(0.2), False),  # the user has the last word
        (Money(0.2, "EUR"), None, False),
        (usd(0), None, True),
        (None, usd(0), True),
        (Money(0, "CNY"), None, True),  # nothing is nothing in every currency
    ],
)
def test_the_user_sets_the_threshold_and_a_suite_only_lowers_it(
    given: Money | None, of_suite: Money | None, asks: bool
) -> None:
    assert (asked(ARM, given, Budget(confirm_above=of_suite)) is not None) == asks
    dear = replace(ARM, cost=Range(1, 5, 9))
    if given is None:
        assert asked(dear, given, Budget(confirm_above=of_suite)) is not None


def test_a_budget_bounds_what_it_may_cost() -> None:
    dear = replace(ARM, cost=Range(1, 5, 9))
    assert asked(dear, None, Budget(cost=usd(0.9))) is None
    assert asked(dear, None, Budget(cost=Money(0.9, "CNY"))) is not None


def test_what_is_not_known_is_asked_unless_it_stays_on_this_machine() -> None:
    unknown = replace(ARM, cost=None, currency=None)
    assert "is not known: there is no price of m" in str(asked(unknown))
    assert asked(replace(unknown, local=True)) is None


def test_stored_runs_do_not_talk_a_run_below_what_is_likely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have come with the suite, from whoever wants it to be run."""
    arm = Arm("a", "p", "step-3.7-flash", "q", {"reasoning_effort": "high"})
    samples = tuple(Sample(str(number), "hi") for number in range(1_000))
    prompts = (Prompt("q", (Message("user", "hi"),)),)
    home = Provider("p", "https://api.stepfun.ai/v1")
    suite = Suite("s", (home,), prompts, samples, (arm,))
    cheap = Past(1, [1.0] * 10, [1.0] * 10, [1.0] * 10, [1e-9] * 10)
    monkeypatch.setattr("stepeval.api.preview.past_of", lambda *_: {"a": cheap})
    assert question(preview_suite(suite, Mode.LIVE, tmp_path), suite, None) is None
    told = wary_preview(suite, Mode.LIVE, tmp_path)
    assert "may cost up to 1.7" in str(question(told, suite, None))
