"""What is left of a run, and no more, is what a question reckons with."""

from dataclasses import replace
from pathlib import Path

import pytest

from stepeval.api.guards import Guard, ask_rest
from stepeval.api.preview import wary_preview
from stepeval.api.rest import rest_of
from stepeval.core.amounts import Money
from stepeval.core.chat import Message
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite
from stepeval.suite.grid import cells

ARMS = tuple(Arm(name, "p", "step-3.7-flash", "q") for name in ("a", "b"))
SUITE = Suite(
    "s",
    (Provider("p", "https://api.stepfun.ai/v1"),),
    (Prompt("q", (Message("user", "hi"),)),),
    tuple(Sample(str(number), "hi") for number in range(5)),
    ARMS,
    epochs=2,
)
ASIDE = replace(ARMS[0], name="a (confirmation)")


def test_only_arms_and_samples_with_something_left_are_reckoned_with(tmp_path: Path) -> None:
    todo = [cell for cell in cells(SUITE) if cell.arm.name == "b" and cell.sample.id in "34"]
    rest, requests = rest_of(SUITE, todo, asides=False)
    assert [arm.name for arm in rest.arms] == ["b"]
    assert [sample.id for sample in rest.samples] == ["3", "4"]
    assert wary_preview(rest, Mode.LIVE, tmp_path, requests).requests == len(todo) == 4
    (whole,) = (arm for arm in wary_preview(SUITE, Mode.LIVE, tmp_path).arms if arm.name == "b")
    (part,) = wary_preview(rest, Mode.LIVE, tmp_path, requests).arms
    assert whole.cost is not None
    assert part.cost is not None
    assert part.cost.likely == pytest.approx(whole.cost.likely * 4 / 10, rel=0.1)


def test_what_a_gate_may_ask_beside_the_grid_is_left_where_the_grid_is_done() -> None:
    gated = replace(SUITE, asides=(ASIDE,))
    rest, requests = rest_of(gated, (), asides=True)
    assert (rest.arms, dict(requests)) == ((ASIDE,), {ASIDE.name: 10})
    assert not rest_of(gated, (), asides=False)[0].arms


@pytest.mark.parametrize(
    ("mode", "left", "asks"),
    [(Mode.LIVE, 20, True), (Mode.LIVE, 0, False), (Mode.SIMULATED, 20, False)],
)
def test_nothing_is_asked_where_nothing_is_left_or_paid(
    tmp_path: Path, mode: Mode, left: int, asks: bool
) -> None:
    asked: list[str] = []
    guard = Guard(approve=asked.append, ask_above=Money(0, "USD"))
    info = RunInfo("id", "s", "hash", mode, 0.0, "host", {}, "stepeval run")
    ask_rest(SUITE, info, guard, tmp_path, list(cells(SUITE))[:left])
    assert bool(asked) == asks
    assert all(sentence.startswith(f"{left} requests to ") for sentence in asked)
