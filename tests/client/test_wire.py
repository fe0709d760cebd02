"""What is sent is what was set; what comes is read as servers write it."""

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.failures import error_message, kind_of_status, retry_after_s, trace_id
from stepeval.client.faults import BadBody
from stepeval.client.wire_request import encode
from stepeval.client.wire_response import decode, later_counts, read_usage
from stepeval.core.chat import (
    Choice,
    FailureKind,
    Message,
    Request,
    Response,
    Timing,
    ToolCall,
    Usage,
)
from stepeval.core.errors import UsageError

NO_TIME = Timing(None, None, None, None)


@pytest.mark.parametrize("model", ["step-3.7-flash", "step-3.5-flash-2603", "no-such-model"])
def test_every_parameter_is_sent_to_every_model(model: str) -> None:
    params = {
        "max_tokens": 5,
        "temperature": 0.0,
        "reasoning_effort": "medium",
        "reasoning_format": "deepseek-style",
        "stop": ("a", "b"),
        "seed": None,
        "extra": MappingProxyType({"deep": [1, {"er": True}]}),
    }
    tool = {"type": "function", "function": {"name": "f"}}
    kind = {"type": "json_object"}
    request = Request("p", model, (Message("user", "é"),), params, (tool,), kind)
    assert json.loads(encode(request)) == {
        "model": model,
        "messages": [{"role": "user", "content": "é"}],
        **params,
        "stop": ["a", "b"],
        "extra": {"deep": [1, {"er": True}]},
        "tools": [tool],
        "response_format": kind,
    }


def test_what_the_suite_does_not_set_is_not_sent() -> None:
    assert json.loads(encode(Request("p", "m", ()))) == {"model": "m", "messages": []}


def test_messages_of_a_tool_call_and_of_parts_go_as_they_are() -> None:
    messages = (
        Message("user", ({"type": "text", "text": "look"},), name="ann"),
        Message("assistant", None, tool_calls=(ToolCall("c1", "f", '{"x": 1'),)),
        Message("tool", "3", tool_call_id="c1"),
    )
    function = {"name": "f", "arguments": '{"x": 1'}
    assert json.loads(encode(Request("p", "m", messages)))["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "look"}], "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
    ]


def test_half_a_surrogate_pair_is_sent_as_its_escape() -> None:
    body = encode(Request("p", "m", (Message("user", "\ud83d"),)))
    assert "\\ud83d" in body
    assert body.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_a_value_that_json_cannot_say_is_a_mistake_of_the_suite(value: Any) -> None:
    with pytest.raises(UsageError, match="the request to m is no JSON"):
        encode(Request("p", "m", (), {"temperature": value}))


def decoded(**root: Any) -> Response:
    return decode(json.dumps(root).encode(), NO_TIME, None, simulated=False)


def choice(**message: Any) -> dict[str, Any]:
    return {"index": 0, "message": message, "finish_reason": "stop"}


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_both_reasoning_formats_are_read(field: str) -> None:
    response = decoded(choices=[choice(content="42", **{field: "think"})])
    assert response.choices == (Choice(0, "42", "think", (), "stop"),)


def test_tool_calls_are_read_with_their_arguments_as_written() -> None:
    pieces = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{broken"}},
        {"function": {"name": "g", "arguments": {"x": 1}}},
    ]
    response = decoded(choices=[choice(content=None, tool_calls=pieces)])
    expected = (ToolCall("a", "f", "{broken"), ToolCall(None, "g", '{"x":1}'))
    assert response.choices[0].tool_calls == expected
    assert response.choices[0].text == ""


def test_choices_without_an_index_are_numbered() -> None:
    response = decoded(choices=[{"message": {"content": "a"}}, {"message": {"content": "b"}}])
    assert [(c.index, c.text, c.finish_reason) for c in response.choices] == [
        (0, "a", None),
        (1, "b", None),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}, Usage(8, 2, 10)),
        ({"cached_tokens": 4}, Usage(cached_tokens=4)),
        ({"cached_token": 4}, Usage(cached_tokens=4)),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(cached_tokens=0)),
        ({"completion_tokens_details": {"reasoning_tokens": 3}}, Usage(reasoning_tokens=3)),
        ({"completion_tokens_details": None, "prompt_tokens_details": None}, Usage()),
        ({"prompt_tokens": -1, "completion_tokens": True, "total_tokens": 2**60}, Usage()),
        ({"prompt_tokens": 1.5, "completion_tokens": "2"}, Usage()),
        (None, Usage()),
        ([], Usage()),
    ],
)
def test_usage_is_read_where_servers_put_it(said: Any, expected: Usage) -> None:
    assert read_usage(said) == expected


def test_a_later_usage_keeps_what_it_does_not_repeat() -> None:
    before, now = (8, 1, None, 4, None), (8, 2, None, None, None)
    assert later_counts(before, now) == (8, 2, None, 4, None)


FIELDS = ["choices", "message", "content", "tool_calls", "function", "usage", "index", "id"]
FIELDS += ["error", "arguments", "finish_reason", "role", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(deadline=None, max_examples=400)
@given(JSON)
def test_any_json_is_a_response_or_a_named_fault(root: Any) -> None:
    try:
        decode(json.dumps(root).encode(), NO_TIME, None, simulated=False)
    except BadBody as fault:
        assert fault.message  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("body", [b"", b"\x00", b'{"choices":' + b"[" * 5000, b"{" * 100_000])
def test_any_bytes_are_a_named_fault(body: bytes) -> None:
    with pytest.raises(BadBody):
        decode(body, NO_TIME, None, simulated=False)


def test_a_deep_error_or_deep_arguments_are_no_crash() -> None:
    deep = b'{"a":' * 600 + b"1" + b"}" * 600
    call = b'{"choices":[{"message":{"tool_calls":[{"function":{"arguments":%b}}]}}]}' % deep
    for body in (call, b'{"error": %b}' % deep):
        with pytest.raises(BadBody):
            decode(body, NO_TIME, None, simulated=False)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "slow", "code": 429}, FailureKind.RATE_LIMIT, 429),
        ({"message": "slow", "code": "402"}, FailureKind.BALANCE, 402),
        ({"message": "slow", "code": "²"}, FailureKind.SERVER, None),
        ({"message": "slow", "code": 7}, FailureKind.SERVER, None),
        ("slow", FailureKind.SERVER, None),
    ],
)
def test_an_error_under_a_good_status_has_the_kind_it_names(
    error: Any, kind: FailureKind, status: int | None
) -> None:
    with pytest.raises(BadBody, match="slow") as raised:
        decoded(error=error)
    assert (raised.value.kind, raised.value.status) == (kind, status)


# Refusals


def test_a_class_of_statuses_has_a_kind() -> None:
    known = {status: kind_of_status(status) for status in (308, 422, 504, 599, 418)}
    assert known == {
        308: FailureKind.REDIRECT,
        422: FailureKind.HTTP,
        504: FailureKind.SERVER,
        599: FailureKind.SERVER,
        418: FailureKind.HTTP,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": " no "}}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b'{"detail": "no"}', "no"),
        (b'{"error": {"type": "t"}}', '{"error": {"type": "t"}}'),
        (b"<html>no</html>", "<html>no</html>"),
        (b" no \xff", "no �"),
        (b"", ""),
    ],
)
def test_the_servers_words_are_found(body: bytes, message: str) -> None:
    assert error_message(body) == message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:05 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now=10.0) == seconds


def test_the_trace_id_is_the_vendors_own_first() -> None:
    assert trace_id({"x-trace-id": "t", "x-request-id": "r"}) == "t"
    assert trace_id({"x-request-id": "r"}) == "r"
    assert trace_id({}) is None
