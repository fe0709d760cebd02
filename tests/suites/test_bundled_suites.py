"""The bundled suites load, and their rules tell right answers from wrong ones."""

import json
from functools import cache
from pathlib import Path

import pytest

from stepeval.api.builtin import SCORERS
from stepeval.api.scoring import BoundRule, bind_rules
from stepeval.core.chat import Choice
from stepeval.core.task import Cell, Sample, Suite, metadata_matches
from stepeval.suite.loader import load_suite
from stepeval.suite.requests import make_request

FOLDER = Path(__file__).parents[2] / "suites"
NAMES = ["reasoning_tiers", "prompt_regression", "cost_latency"]
WRONG = ("", "I do not know.", "Well, there are several, each better than the other. " * 3)
each_suite = pytest.mark.parametrize("name", NAMES)


@cache
def _suite(name: str) -> Suite:
    loaded = load_suite(FOLDER / f"{name}.yaml", scorers=SCORERS)
    assert loaded.warnings == ()
    return loaded.suite


@cache
def _rules(name: str) -> tuple[BoundRule, ...]:
    return bind_rules(_suite(name), allow_code=False)


def _verdict(bound: BoundRule, sample: Sample, text: str) -> bool:
    score = bound.scorer(sample, Choice(index=0, text=text))
    assert score.value is not None, f"{sample.id}: {score.explanation}"
    return (score.value == 1.0) is not bound.rule.negate


def _verdicts(name: str, sample: Sample, text: str) -> dict[str, bool]:
    return {
        bound.rule.id: _verdict(bound, sample, text)
        for bound in _rules(name)
        if metadata_matches(bound.rule.where, sample.metadata)
    }


def _right(sample: Sample) -> str:
    answer = sample.metadata.get("reference", sample.target)
    assert isinstance(answer, str)
    return answer


@each_suite
def test_a_right_answer_passes_every_rule_that_judges_it(name: str) -> None:
    for sample in _suite(name).samples:
        verdicts = _verdicts(name, sample, _right(sample))
        assert verdicts, f"nothing judges {sample.id}"
        assert all(verdicts.values()), f"{sample.id}: {verdicts}"


@each_suite
def test_a_wrong_answer_fails_somewhere(name: str) -> None:
    for sample in _suite(name).samples:
        for wrong in WRONG:
            assert not all(_verdicts(name, sample, wrong).values()), f"{sample.id}: {wrong!r}"


@each_suite
def test_another_items_right_answer_is_wrong_here(name: str) -> None:
    """A rule that every plausible answer meets would say nothing."""
    samples = [sample for sample in _suite(name).samples if sample.target is not None]
    for sample, other in zip(samples, samples[1:] + samples[:1], strict=True):
        if other.target != sample.target:
            verdicts = _verdicts(name, sample, _right(other))
            assert not all(verdicts.values()), f"{other.id} answers {sample.id}"


@each_suite
def test_every_rule_can_fail(name: str) -> None:
    samples = _suite(name).samples
    for bound in _rules(name):
        judged = [s for s in samples if metadata_matches(bound.rule.where, s.metadata)]
        assert judged, f"{bound.rule.id} judges nothing"
        failed = any(not _verdict(bound, sample, text) for sample in judged for text in WRONG)
        assert failed, f"{bound.rule.id} cannot fail"


def test_distractors_are_no_answers() -> None:
    name = "reasoning_tiers"
    readings = [s for s in _suite(name).samples if "distractors" in s.metadata.get("params", {})]
    assert len(readings) == 12
    for sample in readings:
        for distractor in sample.metadata["params"]["distractors"]:
            assert not all(_verdicts(name, sample, distractor).values())


def test_each_field_of_a_ticket_has_a_rule_of_its_own() -> None:
    """A field that regressed must not hide behind the others."""
    sample = _suite("prompt_regression").samples[0]
    changed = {"category": "other", "priority": "low", "needs_human": False, "language": "fr",
               "account": None}  # fmt: skip
    for field, value in changed.items():
        answer = {**json.loads(_right(sample)), field: value}
        verdicts = _verdicts("prompt_regression", sample, json.dumps(answer))
        assert [rule for rule, passed in verdicts.items() if not passed] == [field]


@pytest.mark.parametrize(
    ("name", "varied"),
    [
        ("reasoning_tiers", ["low", "medium", "high"]),
        ("prompt_regression", ["v1", "v2"]),
        ("cost_latency", ["low", "high"]),
    ],
)
def test_the_arms_differ_in_one_thing_only(name: str, varied: list[str]) -> None:
    arms = _suite(name).arms
    by_prompt = name == "prompt_regression"
    seen = [arm.prompt if by_prompt else arm.params["reasoning_effort"] for arm in arms]
    assert seen == varied
    fixed = [
        {key: value for key, value in arm.params.items() if by_prompt or key != "reasoning_effort"}
        for arm in arms
    ]
    assert all(params == fixed[0] for params in fixed)
    assert {arm.model for arm in arms} == {"step-3.7-flash"}
    assert all(params["stream"] is True and params["max_tokens"] >= 4096 for params in fixed)


def test_data_files_stay_small_enough_to_ship() -> None:
    for path in (FOLDER / "data").iterdir():
        assert path.stat().st_size < 300_000


@cache
def _asked(name: str) -> dict[str, str]:
    """The last message of each sample under the first arm."""
    suite = _suite(name)
    make = make_request(suite)
    messages = {s.id: make(Cell("", suite.arms[0], s)).messages[-1].content for s in suite.samples}
    return {sample: content for sample, content in messages.items() if isinstance(content, str)}


@each_suite
def test_every_prompt_carries_its_input_and_never_its_reference(name: str) -> None:
    for sample in _suite(name).samples:
        asked = _asked(name)[sample.id]
        assert isinstance(sample.input, str)
        assert sample.input in asked
        assert sample.metadata["why"] not in asked


def test_each_kind_of_reasoning_item_is_told_how_to_reply() -> None:
    for sample in _suite("reasoning_tiers").samples:
        asked = _asked("reasoning_tiers")[sample.id]
        if sample.metadata["kind"] == "arithmetic":
            assert asked.endswith("as a plain number without unit or thousands separators.")
        elif sample.choices:
            assert asked.endswith("Reply with the letter of the right option only.")
        else:
            assert asked == sample.input
