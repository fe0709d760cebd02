"""What requests are expected to use, and the order of the last ones."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.core.chat import Choice, Message, Request, Response, Timing, Usage
from stepeval.core.task import Arm, Cell, Sample
from stepeval.execution.expected import Expected, longest_first_at_the_end


def answer(tokens: int | None) -> Response:
    return Response("1", "m", (Choice(0, "x"),), Usage(output_tokens=tokens), Timing(0, 0, 0, 0))


def cell(number: int, arm: str = "a") -> Cell:
    return Cell(str(number), Arm(arm, "p", "m", "q"), Sample("s", "hi"))


def test_answers_are_expected_as_long_as_those_of_the_arm_before() -> None:
    expected = Expected()
    request = Request("p", "m", (Message("user", "x" * 40),), {"max_tokens": 300})
    assert expected.tokens(cell(0), request) == 310  # the longest it may be, as nothing is known
    for tokens in (100, 200, None):
        expected.learn(cell(0), answer(tokens))
    assert expected.tokens(cell(0), request) == pytest.approx(160)
    assert expected.output(cell(0, "b")) is None


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(1, 20))
def test_only_the_last_are_put_in_order_and_none_is_lost(arms: list[str], window: int) -> None:
    expected = Expected()
    for arm, tokens in (("a", 10), ("b", 1_000)):  # of c nothing is known
        expected.learn(cell(0, arm), answer(tokens))
    cells = [cell(number, arm) for number, arm in enumerate(arms)]
    order = list(longest_first_at_the_end(cells, expected, window))
    place = max(0, len(cells) - window)
    assert order[:place] == cells[:place]
    assert sorted(order[place:], key=cells.index) == cells[place:]
    names = [each.arm.name for each in order[place:]]
    assert names == sorted(names, key="bac".index)


def test_no_more_is_read_ahead_than_may_be_put_in_order() -> None:
    read = []

    def source() -> Iterator[Cell]:
        for number in range(1_000):
            read.append(number)
            yield cell(number)

    ordered = longest_first_at_the_end(source(), Expected(), 16)
    for number in range(5):
        assert next(ordered).id == str(number)
    assert len(read) <= 16 + 5
