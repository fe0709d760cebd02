"""StepFun's wire format, one quirk a test, read without the project's own client."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from stepeval.simulator.answers import Entry, key_of
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import Answer, RunningSimulator, running

_SUM = [{"role": "user", "content": "How much is 6 times 7?"}]
_WEATHER = [{"role": "user", "content": "Is it warm in Oslo?"}]
_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
_CALL = {"name": "get_weather", "arguments": {"city": "Oslo", "unit": "celsius"}}
_KEY = {
    key_of(_SUM): Entry("The answer is 42, and that is all.", difficulty=0.0),
    key_of(_WEATHER): Entry(json.dumps(_CALL), difficulty=0.0, kind="tool_call"),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    config = SimulatorConfig(seed=3, speed=Speed(scale=0), models=("other-model",))
    with running(config, _KEY) as started:
        yield started


def _body(**fields: Any) -> dict[str, Any]:
    return {"model": "step-3.7-flash", "messages": _SUM, **fields}


def _streams(simulator: RunningSimulator, **fields: Any) -> list[Answer]:
    """Enough streams for each of the seeded variations to occur."""
    return [simulator.post(_body(stream=True, seed=i, **fields)) for i in range(60)]


def _deltas(answer: Answer) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in answer.chunks()]


def test_whole_answer_has_the_documented_fields(simulator: RunningSimulator) -> None:
    answer = simulator.post(_body())
    body = answer.json()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert body["object"] == "chat.completion"
    assert body["model"] == "step-3.7-flash"
    assert isinstance(body["created"], int)
    assert len(body["id"].split("-")) == 5
    message = body["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert message["content"] == "The answer is 42, and that is all."
    assert message["reasoning"]
    assert body["choices"][0]["finish_reason"] == "stop"


def test_usage_has_cached_tokens_at_the_top_and_null_details(simulator: RunningSimulator) -> None:
    usage = simulator.post(_body()).json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["cached_tokens"] == 0
    assert usage["completion_tokens_details"] is None


def test_a_repeated_long_prompt_is_cached_in_blocks(simulator: RunningSimulator) -> None:
    body = _body(messages=[{"role": "user", "content": "Read this. " * 300}])
    cached = [simulator.post(body).json()["usage"]["cached_tokens"] for _ in range(2)]
    assert cached[0] == 0
    assert cached[1] > 0
    assert cached[1] % 256 == 0


def test_a_stream_ends_with_done(simulator: RunningSimulator) -> None:
    answer = simulator.post(_body(stream=True))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.lines()[-1] == b"[DONE]"
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in answer.chunks())


def test_every_chunk_carries_cumulative_usage(simulator: RunningSimulator) -> None:
    for answer in _streams(simulator):
        counts = [chunk["usage"]["completion_tokens"] for chunk in answer.chunks()]
        assert counts == sorted(counts)
        assert all(chunk["usage"]["prompt_tokens"] > 0 for chunk in answer.chunks())


def test_no_chunk_is_without_choices(simulator: RunningSimulator) -> None:
    answer = simulator.post(_body(stream=True, stream_options={"include_usage": True}))
    assert all(chunk["choices"] for chunk in answer.chunks())


def test_unfinished_finish_reason_is_an_empty_string(simulator: RunningSimulator) -> None:
    reasons = [
        chunk["choices"][0]["finish_reason"]
        for chunk in simulator.post(_body(stream=True)).chunks()
    ]
    assert reasons == [""] * (len(reasons) - 1) + ["stop"]


def test_the_role_is_empty_after_the_first_chunk(simulator: RunningSimulator) -> None:
    roles = [delta["role"] for delta in _deltas(simulator.post(_body(stream=True)))]
    assert roles == ["assistant"] + [""] * (len(roles) - 1)


def test_the_first_chunk_may_be_the_role_alone_with_no_token(simulator: RunningSimulator) -> None:
    role_only = set()
    for answer in _streams(simulator):
        first = answer.chunks()[0]
        delta = first["choices"][0]["delta"]
        alone = not delta["content"] and "reasoning" not in delta
        assert (first["usage"]["completion_tokens"] == 0) == alone
        role_only.add(alone)
    assert role_only == {True, False}


def test_a_chunk_may_carry_several_tokens(simulator: RunningSimulator) -> None:
    steps = set()
    for answer in _streams(simulator):
        counts = [chunk["usage"]["completion_tokens"] for chunk in answer.chunks()]
        steps |= {b - a for a, b in pairwise(counts)}
    assert max(steps) > 2


def test_the_stop_chunk_adds_no_token_or_one(simulator: RunningSimulator) -> None:
    added = set()
    for answer in _streams(simulator):
        before, last = answer.chunks()[-2:]
        assert last["choices"][0]["delta"]["content"] == ""
        added.add(last["usage"]["completion_tokens"] - before["usage"]["completion_tokens"])
    assert added == {0, 1}


def test_an_empty_chunk_may_add_a_token(simulator: RunningSimulator) -> None:
    grown = 0
    for answer in _streams(simulator):
        before, empty = answer.chunks()[-3:-1]
        delta = empty["choices"][0]["delta"]
        if delta == {"role": "", "content": ""}:
            grown += empty["usage"]["completion_tokens"] - before["usage"]["completion_tokens"]
    assert 0 < grown < 30


def test_reasoning_comes_with_empty_content(simulator: RunningSimulator) -> None:
    deltas = _deltas(simulator.post(_body(stream=True)))
    thoughts = [delta for delta in deltas if delta.get("reasoning")]
    assert thoughts
    assert {delta["content"] for delta in thoughts} == {""}


def test_deepseek_style_renames_the_reasoning(simulator: RunningSimulator) -> None:
    whole = simulator.post(_body(reasoning_format="deepseek-style")).json()
    message = whole["choices"][0]["message"]
    assert message["reasoning_content"]
    assert "reasoning" not in message
    deltas = _deltas(simulator.post(_body(reasoning_format="deepseek-style", stream=True)))
    assert any("reasoning_content" in delta for delta in deltas)
    assert not any("reasoning" in delta for delta in deltas)


def test_a_stream_says_what_the_whole_answer_says(simulator: RunningSimulator) -> None:
    body = _body(temperature=0)
    whole = simulator.post(body).json()
    answer = simulator.post({**body, "stream": True})
    deltas = _deltas(answer)
    message = whole["choices"][0]["message"]
    assert "".join(delta["content"] for delta in deltas) == message["content"]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message["reasoning"]
    assert answer.chunks()[-1]["usage"] == whole["usage"]


def test_several_choices_are_interleaved_by_index(simulator: RunningSimulator) -> None:
    chunks = simulator.post(_body(n=3, stream=True)).chunks()
    order = [chunk["choices"][0]["index"] for chunk in chunks]
    assert set(order) == {0, 1, 2}
    assert sum(a != b for a, b in pairwise(order)) > 3
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert len(simulator.post(_body(n=3)).json()["choices"]) == 3


def test_a_lost_answer_has_empty_content_and_finish_length(simulator: RunningSimulator) -> None:
    choice = simulator.post(_body(max_tokens=5)).json()["choices"][0]
    assert choice["message"]["content"] == ""
    assert choice["message"]["reasoning"]
    assert choice["finish_reason"] == "length"


def test_tool_calls_come_in_pieces_and_may_lack_an_index(simulator: RunningSimulator) -> None:
    indexed, reasons = set(), set()
    for answer in _streams(simulator, messages=_WEATHER, tools=_TOOLS):
        pieces = [delta["tool_calls"][0] for delta in _deltas(answer) if "tool_calls" in delta]
        opening, *rest = pieces
        assert opening["id"].startswith("call_")
        assert opening["type"] == "function"
        assert opening["function"]["name"] == "get_weather"
        assert len(rest) > 1
        text = "".join(piece["function"]["arguments"] for piece in pieces)
        assert set(json.loads(text)) == {"city", "unit"}
        indexed.add("index" in opening)
        reasons.add(answer.chunks()[-1]["choices"][0]["finish_reason"])
    assert indexed == {True, False}
    assert reasons == {"stop", "tool_calls"}


def test_a_whole_tool_call_has_its_arguments_as_text(simulator: RunningSimulator) -> None:
    message = simulator.post(_body(messages=_WEATHER, tools=_TOOLS)).json()["choices"][0]["message"]
    assert message["content"] == ""
    assert json.loads(message["tool_calls"][0]["function"]["arguments"])["city"]


@pytest.mark.parametrize("effort", ["low", "high"])
def test_the_2603_model_has_no_medium(simulator: RunningSimulator, effort: str) -> None:
    model = "step-3.5-flash-2603"
    assert simulator.post(_body(model=model, reasoning_effort=effort)).status == 200
    refused = simulator.post(_body(model=model, reasoning_effort="medium"))
    assert refused.status == 400
    assert "low or high" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 2.1},
        {"temperature": -0.1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"frequency_penalty": 1.5},
        {"max_tokens": 0},
        {"n": 0},
        {"n": 1000},
        {"stream": "yes"},
        {"stop": [1]},
        {"reasoning_effort": "huge"},
        {"reasoning_format": "other"},
        {"response_format": {"type": "xml"}},
        {"messages": []},
        {"messages": None},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": 1}]},
        {"messages": ["hi"]},
        {"model": None},
        {"model": "other-model", "temperature": 3},
    ],
)
def test_values_out_of_range_get_400(simulator: RunningSimulator, wrong: dict[str, Any]) -> None:
    answer = simulator.post(_body(**wrong))
    assert answer.status == 400
    assert set(answer.json()["error"]) == {"message", "type"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "\xff"}', b"[" * 5000])
def test_a_body_that_is_no_json_object_gets_400(simulator: RunningSimulator, body: bytes) -> None:
    assert simulator.post(body).status == 400


def test_an_unknown_model_gets_404_and_an_added_one_answers(simulator: RunningSimulator) -> None:
    assert simulator.post(_body(model="step-9")).status == 404
    assert simulator.post(_body(model="other-model")).json()["model"] == "other-model"


def test_unknown_parameters_and_nulls_pass(simulator: RunningSimulator) -> None:
    assert simulator.post(_body(best_of=3, temperature=None, stop=None, n=None)).status == 200


def test_content_in_parts_is_read(simulator: RunningSimulator) -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert simulator.post(_body(messages=[{"role": "user", "content": parts}])).status == 200


def test_every_answer_says_that_it_is_simulated(simulator: RunningSimulator) -> None:
    for answer in (
        simulator.post(_body()),
        simulator.post(_body(stream=True)),
        simulator.post(b""),
    ):
        assert answer.headers["x-stepeval-simulator"]
        assert answer.headers["x-trace-id"]


def test_trace_ids_are_unique(simulator: RunningSimulator) -> None:
    answers = [simulator.post(_body()) for _ in range(4)] + [simulator.post(b"") for _ in range(4)]
    assert len({answer.headers["x-trace-id"] for answer in answers}) == 8


def test_equal_simulators_answer_equal_requests_alike() -> None:
    bodies = [_body(stream=stream, temperature=1.0) for stream in (False, True, False)]
    heard = []
    for _ in range(2):
        with running(SimulatorConfig(seed=9, speed=Speed(scale=0)), _KEY) as fresh:
            heard.append([_without_clock(fresh.post(body)) for body in bodies])
    assert heard[0] == heard[1]


def _without_clock(answer: Answer) -> list[Any]:
    streamed = answer.headers["content-type"] == "text/event-stream"
    chunks = answer.chunks() if streamed else [answer.json()]
    return [{**chunk, "created": 0} for chunk in chunks]
