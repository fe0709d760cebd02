import json
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.simulator.answers import AnswerKey, Entry, key_of
from stepeval.simulator.behaviour import draw_id, plan
from stepeval.simulator.plan import Plan

_MESSAGES = [{"role": "user", "content": "How much is 6 times 7?"}]
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def _body(**fields: Any) -> dict[str, Any]:
    return {"model": "step-3.7-flash", "messages": _MESSAGES, **fields}


def _key(entry: Entry) -> AnswerKey:
    return {key_of(_MESSAGES): entry}


def _text(planned: Plan) -> str:
    return "".join(planned.choices[0].answer)


def _hard_draws(effort: str, difficulty: float = 0.7) -> list[Plan]:
    key = _key(Entry("42", difficulty=difficulty))
    return [plan(_body(reasoning_effort=effort), key, seed) for seed in range(300)]


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 1000),
    repeat=st.integers(0, 3),
    effort=st.sampled_from(["low", "medium", "high"]),
    temperature=st.floats(0, 2),
    n=st.integers(1, 4),
)
def test_equal_arguments_give_equal_plans(
    seed: int, repeat: int, effort: str, temperature: float, n: int
) -> None:
    body = _body(reasoning_effort=effort, temperature=temperature, n=n)
    key = _key(Entry("42"))
    assert plan(body, key, seed, repeat=repeat) == plan(dict(body), key, seed, repeat=repeat)


def test_another_seed_gives_another_plan() -> None:
    assert plan(_body(), {}, 1) != plan(_body(), {}, 2)


def test_more_effort_is_more_often_right_on_hard_items() -> None:
    rates = [
        mean(planned.choices[0].correct is True for planned in _hard_draws(effort))
        for effort in ("low", "medium", "high")
    ]
    assert rates[0] + 0.1 < rates[1] < rates[2] - 0.1


def test_every_effort_knows_the_easy_items() -> None:
    for effort in ("low", "medium", "high"):
        easy = _hard_draws(effort, difficulty=0.05)
        assert mean(planned.choices[0].correct is True for planned in easy) > 0.9


def test_more_effort_thinks_longer_and_hard_items_take_longer_still() -> None:
    lengths = [
        mean(len(planned.choices[0].reasoning) for planned in _hard_draws(effort))
        for effort in ("low", "medium", "high")
    ]
    assert lengths[0] * 3 < lengths[1] < lengths[2] / 2
    easy = mean(len(planned.choices[0].reasoning) for planned in _hard_draws("high", 0.0))
    assert easy < lengths[2]


def test_medium_is_the_default_effort() -> None:
    assert plan(_body(), {}, 1).effort == "medium"
    assert plan(_body(reasoning_effort=None), {}, 1).effort == "medium"


def test_the_answer_is_the_target_exactly_when_it_is_correct() -> None:
    for planned in _hard_draws("medium"):
        assert (_text(planned) == "42") == planned.choices[0].correct


def test_a_prompt_without_an_entry_is_neither_right_nor_wrong() -> None:
    planned = plan(_body(), {}, 1)
    assert planned.choices[0].correct is None
    assert _text(planned)


def test_repeats_differ_only_with_a_temperature() -> None:
    key = _key(Entry("42", difficulty=0.72))
    for temperature, few in ((0, True), (2, False)):
        answers = {
            plan(_body(temperature=temperature), key, 1, repeat=r).choices[0] for r in range(30)
        }
        assert (len(answers) == 1) is few


def test_a_higher_temperature_varies_more() -> None:
    key = _key(Entry("42"))
    kinds = [
        len({plan(_body(temperature=t), key, 1, repeat=r).choices[0] for r in range(40)})
        for t in (0.2, 0.9)
    ]
    assert kinds[0] < kinds[1]


def test_delivery_does_not_change_what_is_said() -> None:
    whole, streamed = _body(), _body(stream=True, stream_options={"include_usage": True})
    assert draw_id(whole) == draw_id(streamed)
    assert plan(whole, {}, 1) == plan(streamed, {}, 1)


@settings(deadline=None, max_examples=60)
@given(limit=st.integers(1, 400), seed=st.integers(0, 20))
def test_max_tokens_is_never_exceeded_and_cuts_a_prefix(limit: int, seed: int) -> None:
    key = _key(Entry("the answer, after long thought, is 42"))
    whole = plan(_body(), key, seed).choices[0]
    cut = plan(_body(max_tokens=limit), key, seed).choices[0]
    assert cut.tokens <= limit
    assert (cut.finish_reason == "length") == (whole.tokens > limit)
    everything = whole.reasoning + whole.answer
    assert everything[: len(cut.reasoning + cut.answer)] == cut.reasoning + cut.answer


def test_an_answer_can_be_lost_to_thinking() -> None:
    planned = plan(_body(max_tokens=20, reasoning_effort="high"), _key(Entry("42")), 1)
    assert planned.choices[0].answer == ()
    assert planned.choices[0].finish_reason == "length"
    assert planned.completion_tokens == 20


def test_filler_follows_max_tokens_up_to_a_bound() -> None:
    def length(limit: int) -> int:
        answers = (
            plan(_body(max_tokens=limit, reasoning_effort="low"), {}, seed) for seed in range(20)
        )
        return round(mean(len(answer.choices[0].answer) for answer in answers))

    assert length(80) < length(160) < length(10_000) < 240


@pytest.mark.parametrize("stop", ["STOP", ["never", "STOP"]])
def test_stop_ends_the_answer_before_the_stop_text(stop: str | list[str]) -> None:
    key = _key(Entry("one STOP two", difficulty=0))
    planned = plan(_body(stop=stop, temperature=0), key, 1)
    assert _text(planned) == "one "
    assert planned.choices[0].finish_reason == "stop"


def test_json_mode_answers_parseable_json() -> None:
    body = _body(response_format={"type": "json_object"})
    for key in ({}, _key(Entry("42")), _key(Entry('{"a": 1}'))):
        for seed in range(10):
            assert isinstance(json.loads(_text(plan(body, key, seed))), dict)


def test_json_schema_shapes_invented_answers() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert set(json.loads(_text(plan(_body(response_format=wanted), {}, 1)))) == {"city"}


def test_choices_of_one_request_are_drawn_independently() -> None:
    planned = plan(_body(n=4), _key(Entry("42")), 1)
    assert len({choice.reasoning for choice in planned.choices}) == 4
    assert planned.completion_tokens == sum(choice.tokens for choice in planned.choices)


def test_an_entry_that_is_a_call_becomes_one_where_its_tool_is_offered() -> None:
    target = json.dumps({"name": "get_weather", "arguments": {"city": "Oslo"}})
    key = _key(Entry(target, difficulty=0, kind="tool_call"))
    choice = plan(_body(tools=_TOOLS), key, 1).choices[0]
    assert choice.answer == ()
    assert [(c.name, "".join(c.arguments)) for c in choice.calls] == [
        ("get_weather", '{"city": "Oslo"}')
    ]
    assert plan(_body(), key, 1).choices[0].calls == ()


def test_both_finish_reasons_of_a_call_occur() -> None:
    target = json.dumps([{"name": "get_weather", "arguments": {}}] * 2)
    key = _key(Entry(target, difficulty=0))
    choices = [plan(_body(tools=_TOOLS), key, seed).choices[0] for seed in range(30)]
    assert {choice.finish_reason for choice in choices if choice.calls} == {"stop", "tool_calls"}


@pytest.mark.parametrize(
    ("prompt", "tool_choice", "called"),
    [
        ("Please use get_weather for Rome", None, True),
        ("Please use get_weather for Rome", "none", False),
        ("Hello", "required", True),
        ("Hello", {"type": "function", "function": {"name": "get_weather"}}, True),
        ("Hello", None, False),
    ],
)
def test_a_prompt_without_an_entry_calls_what_it_names(
    prompt: str, tool_choice: Any, called: bool
) -> None:
    body = _body(tools=_TOOLS, tool_choice=tool_choice)
    planned = plan({**body, "messages": [{"role": "user", "content": prompt}]}, {}, 1)
    calls = planned.choices[0].calls
    assert bool(calls) is called
    for call in calls:
        assert isinstance(json.loads("".join(call.arguments))["city"], str)


def test_max_tokens_cuts_a_call_too() -> None:
    target = json.dumps({"name": "get_weather", "arguments": {"city": "Oslo by the sea"}})
    key = _key(Entry(target, difficulty=0))
    body = _body(tools=_TOOLS, temperature=0)
    whole = plan(body, key, 1).choices[0]
    cut = plan({**body, "max_tokens": len(whole.reasoning) + 3}, key, 1).choices[0]
    assert len(cut.calls[0].arguments) == 2
    assert cut.tokens == len(whole.reasoning) + 3
    assert cut.finish_reason == "length"


def test_cached_tokens_are_never_more_than_the_prompt() -> None:
    planned = plan(_body(), {}, 1, cached_tokens=10_000)
    assert planned.cached_tokens == planned.prompt_tokens > 0
