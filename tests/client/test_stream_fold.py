"""Chunks as real servers send them, folded into one response."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.faults import BadBody
from stepeval.client.sse import Event
from stepeval.client.stamps import Read
from stepeval.client.stream import StreamFold
from stepeval.core.chat import ChunkKind, FailureKind, Response, Timing, ToolCall, Usage

NO_TIME = Timing(None, None, None, None)


def fold(*chunks: Any) -> StreamFold:
    result = StreamFold()
    for at, chunk in enumerate(chunks, 1):
        result.add(Event(json.dumps(chunk), Read(at * 10, at * 10 - 10), coalesced=False))
    return result


def response(*chunks: Any) -> Response:
    return fold(*chunks).response(NO_TIME, None, simulated=False)


def kinds(*chunks: Any) -> list[ChunkKind]:
    return [chunk.kind for chunk in fold(*chunks).chunks()]


def delta(
    finish: str | None = "", index: int = 0, tokens: int | None = None, **said: Any
) -> dict[str, Any]:
    choice = {"index": index, "delta": said, "finish_reason": finish}
    usage = {} if tokens is None else {"usage": {"completion_tokens": tokens}}
    return {"id": "1", "model": "m", "choices": [choice], **usage}


STEPFUN = (
    delta(role="assistant", content="", tokens=0),
    delta(role="", content="", reasoning="hm", tokens=2),
    delta(role="", content="Hello", reasoning="m", tokens=5),
    delta(role="", content=" you", tokens=148),
    delta(role="", content="", tokens=149),
    delta("stop", role="", content="", tokens=150),
)


def test_a_stepfun_stream_is_read_with_its_cumulative_tokens() -> None:
    whole = response(*STEPFUN)
    assert (whole.id, whole.model) == ("1", "m")
    assert whole.choices[0].text == "Hello you"
    assert whole.choices[0].reasoning == "hmm"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage == Usage(output_tokens=150)
    chunks = fold(*STEPFUN).chunks()
    assert [chunk.kind for chunk in chunks] == [
        ChunkKind.ROLE,
        ChunkKind.REASONING,
        ChunkKind.MIXED,
        ChunkKind.ANSWER,
        ChunkKind.CONTROL,
        ChunkKind.CONTROL,
    ]
    assert [chunk.output_tokens for chunk in chunks] == [0, 2, 5, 148, 149, 150]
    assert [(c.reasoning_chars, c.answer_chars) for c in chunks[1:4]] == [(2, 0), (1, 5), (0, 4)]
    assert [(c.arrival_ns, c.not_before_ns) for c in chunks[:2]] == [(10, 0), (20, 10)]


def test_an_empty_finish_reason_is_not_finished() -> None:
    assert not fold(delta("", content="a")).finished
    assert response(delta("", content="a")).choices[0].finish_reason is None
    assert fold(delta("stop", content="a")).finished
    assert not StreamFold().finished


def test_a_finish_reason_is_not_taken_back() -> None:
    assert response(delta("length", content="a"), delta(None)).choices[0].finish_reason == "length"


def test_a_role_is_no_token_unless_the_server_counts_one() -> None:
    assert kinds(delta(role="assistant", content=None)) == [ChunkKind.ROLE]
    assert kinds(delta(role="assistant", content="", tokens=1)) == [ChunkKind.CONTROL]
    assert kinds(delta(role="assistant", content="a")) == [ChunkKind.ANSWER]
    assert kinds(delta("stop", role="assistant")) == [ChunkKind.CONTROL]
    assert kinds(delta(role="")) == [ChunkKind.CONTROL]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_both_reasoning_fields_are_read_and_never_both_at_once(field: str) -> None:
    pieces = [{"choices": [{"delta": {field: text}}]} for text in "ab"]
    assert response(*pieces).choices[0].reasoning == "ab"
    twice = response(delta(reasoning="a", reasoning_content="a"))
    assert twice.choices[0].reasoning == "a"


def test_a_last_chunk_of_usage_alone_is_no_choice() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    chunks = (delta("stop", content="a"), {"choices": [], "usage": usage})
    assert kinds(*chunks) == [ChunkKind.ANSWER, ChunkKind.USAGE]
    assert response(*chunks).usage == Usage(9, 2)
    assert kinds({"usage": usage}) == [ChunkKind.USAGE]


def test_a_null_usage_unsays_nothing() -> None:
    assert response(delta(tokens=4), {**delta("stop"), "usage": None}).usage.output_tokens == 4
    assert fold(delta()).chunks()[0].output_tokens is None


def test_choices_interleave_by_index() -> None:
    chunks = [delta(content="a", index=1), delta(content="b"), delta("stop", 1, content="c")]
    whole = response(*chunks)
    assert [(c.index, c.text, c.finish_reason) for c in whole.choices] == [
        (0, "b", None),
        (1, "ac", "stop"),
    ]
    assert [chunk.choice for chunk in fold(*chunks).chunks()] == [1, 0, 1]
    assert not fold(*chunks).finished


def test_choices_of_one_event_are_chunks_that_shared_no_read() -> None:
    both = {
        "choices": [delta(content="a")["choices"][0], delta(content="b", index=1)["choices"][0]]
    }
    assert [chunk.coalesced for chunk in fold(both).chunks()] == [False, False]


def test_all_events_of_one_moment_shared_their_read() -> None:
    result = StreamFold()
    for arrival in (10, 10, 20):
        result.add(Event(json.dumps(delta(content="a")), Read(arrival, 0), coalesced=False))
    assert [chunk.coalesced for chunk in result.chunks()] == [True, True, False]


def tool(**piece: Any) -> dict[str, Any]:
    return delta(tool_calls=[piece])


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [
                tool(index=0, id="a", type="function", function={"name": "f", "arguments": ""}),
                tool(index=0, function={"arguments": '{"x"'}),
                tool(index=1, id="b", function={"name": "g", "arguments": "{}"}),
                tool(index=0, function={"arguments": ": 1}"}),
            ],
            id="by index",
        ),
        pytest.param(
            [
                tool(id="a", function={"name": "f", "arguments": '{"x"'}),
                tool(function={"arguments": ": 1}"}),
                tool(id="b", function={"name": "g", "arguments": "{}"}),
            ],
            id="without index",
        ),
        pytest.param(
            [
                tool(id="a", function={"name": "f", "arguments": '{"x"'}),
                tool(id="a", function={"name": "f", "arguments": ": 1}"}),
                tool(id="b", function={"name": "g"}),
                tool(id="b", function={"arguments": "{}"}),
            ],
            id="by id",
        ),
    ],
)
def test_tool_calls_are_put_together(pieces: list[Any]) -> None:
    expected = (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}"))
    assert response(*pieces).choices[0].tool_calls == expected
    assert set(kinds(*pieces)) == {ChunkKind.TOOL}


def test_whole_calls_without_index_and_id_stay_apart() -> None:
    pieces = [tool(function={"name": name, "arguments": "{}"}) for name in ("f", "f", "g")]
    assert [call.name for call in response(*pieces).choices[0].tool_calls] == ["f", "f", "g"]


@pytest.mark.parametrize(
    "chunk",
    [
        [],
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": [1]},
        {"choices": [{"delta": 1}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"tool_calls": 5}}]},
        {"choices": [{"delta": {"tool_calls": [5]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": 5}]}}]},
    ],
)
def test_what_is_no_chunk_is_a_bad_stream(chunk: Any) -> None:
    with pytest.raises(BadBody) as error:
        fold(chunk)
    assert error.value.kind is FailureKind.BAD_STREAM


FIELDS = ["choices", "delta", "content", "reasoning", "tool_calls", "function", "usage", "index"]
FIELDS += ["id", "error", "message", "arguments", "finish_reason", "role", "completion_tokens"]
VALUES = st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=4)
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=20,
)
CHUNKS = st.lists(
    JSON
    | st.fixed_dictionaries(
        {"choices": st.lists(st.fixed_dictionaries({"delta": JSON, "index": JSON}), max_size=2)}
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=400)
@given(CHUNKS)
def test_any_json_folds_or_is_a_named_fault(chunks: list[Any]) -> None:
    result = StreamFold()
    accepted = 0
    for at, chunk in enumerate(chunks):
        try:
            result.add(Event(json.dumps(chunk), Read(at, at), coalesced=False))
        except BadBody:
            continue
        accepted += 1
    whole = result.response(NO_TIME, None, simulated=False)
    assert result.empty == (accepted == 0)
    assert len({choice.index for choice in whole.choices}) == len(whole.choices)
    count = whole.usage.output_tokens
    assert count is None or count >= 0
