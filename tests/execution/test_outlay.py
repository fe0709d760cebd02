"""What a request may use is never less than what it can use; what it used is what was said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.core.chat import (
    Choice,
    Failure,
    FailureKind,
    Message,
    Request,
    Response,
    Timing,
    Usage,
)
from stepeval.execution.outlay import OutputBound, input_bound, usage_of

ANSWER = Response("1", "m", (Choice(0, "x"),), Usage(7, 9), Timing(0, 0, 0, 0))


def asked(content: object, **params: object) -> Request:
    return Request("p", "m", (Message("user", content),), params)  # type: ignore[arg-type]  # any part


@given(st.text())
def test_a_prompt_has_no_more_tokens_than_bytes(text: str) -> None:
    assert input_bound(asked(text)) >= len(text.encode("utf-8", "surrogatepass"))
    assert input_bound(asked(({"type": "text", "text": text},))) >= len(
        text.encode("utf-8", "surrogatepass")
    )


def test_an_image_counts_however_short_its_link() -> None:
    picture = {"type": "image_url", "image_url": {"url": "http://x/y.png"}}
    assert input_bound(asked((picture,))) > 8_000


def test_tools_and_formats_are_part_of_the_prompt() -> None:
    tool = {"type": "function", "function": {"name": "f" * 500}}
    assert input_bound(Request("p", "m", (), tools=(tool,))) > 500
    assert input_bound(Request("p", "m", (), response_format={"json_schema": "x" * 300})) > 300


def test_max_tokens_bounds_an_answer_once_a_choice() -> None:
    bound = OutputBound()
    assert bound.of(asked("", max_tokens=100)) == 100
    assert bound.of(asked("", max_tokens=100, n=3)) == 300


def test_without_it_the_bound_is_generous_until_enough_were_seen() -> None:
    bound = OutputBound()
    assert bound.of(asked("")) == 16_384
    assert bound.of(asked("", n=2)) == 32_768
    bound.add(20_000)
    assert bound.of(asked("")) == 40_000
    learned = OutputBound()
    for _ in range(20):
        learned.add(500)
    assert learned.of(asked("")) == 1_000


@pytest.mark.parametrize(
    ("kind", "used"),
    [
        (FailureKind.RATE_LIMIT, Usage(0, 0)),
        (FailureKind.CONNECT, Usage(0, 0)),
        (FailureKind.BAD_REQUEST, Usage(0, 0)),
        (FailureKind.SERVER, Usage()),
        (FailureKind.READ_TIMEOUT, Usage()),
        (FailureKind.DISCONNECTED, Usage()),
        (FailureKind.TOTAL_TIMEOUT, Usage()),
    ],
)
def test_a_refusal_used_nothing_and_a_broken_answer_nobody_knows(
    kind: FailureKind, used: Usage
) -> None:
    assert usage_of(Failure(kind, "")) == used


def test_an_answer_that_broke_off_says_what_it_used() -> None:
    assert usage_of(ANSWER) == Usage(7, 9)
    assert usage_of(Failure(FailureKind.DISCONNECTED, "", partial=ANSWER)) == Usage(7, 9)


@pytest.mark.parametrize("most", [-1, 0, True, "5", 1.5, None])
def test_a_max_tokens_that_is_no_count_bounds_nothing(most: Any) -> None:
    """A negative one would give a budget back with every request."""
    assert OutputBound().of(asked("", max_tokens=most)) == 16_384
    assert OutputBound().of(asked("", max_tokens=100, n=most)) == 100


def test_a_bound_stays_where_numbers_can_be_reckoned_with() -> None:
    assert float(OutputBound().of(asked("", max_tokens=10**400, n=10**400))) > 0
