"""Prompts that are made up: as long as asked, never the same twice, the same for every arm."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import Message, Request
from stepeval.core.errors import UsageError
from stepeval.core.task import Arm, Cell, Sample
from stepeval.suite.lengths import parse_lengths
from stepeval.suite.prefix import with_unique_prefix
from stepeval.suite.synthetic import fill, synthetic_samples

ARM = Arm("a", "p", "m", "plain")


def make(cell: Cell) -> Request:
    return Request("p", "m", (Message("user", str(cell.sample.input)),), dict(cell.arm.params))


def text(request: Request) -> str:
    assert isinstance(request.messages[0].content, str)
    return request.messages[0].content


def cells(inputs: str, outputs: str = "64", arm: Arm = ARM) -> list[Cell]:
    samples = synthetic_samples(parse_lengths(inputs, "-i"), parse_lengths(outputs, "-o"), seed=3)
    return [Cell(f"{s.id}{epoch}", arm, s, epoch) for epoch in range(3) for s in samples]


@pytest.mark.parametrize("words", [1, 20, 45, 46, 512])
def test_a_prompt_has_about_a_word_a_token(words: int) -> None:
    filled = fill(make, seed=3)
    for cell in cells(str(words)):
        count = len(text(filled(cell)).split())
        assert count == words if words <= 45 else words - 20 <= count <= words


def test_no_prompt_comes_twice_and_arms_get_the_same_ones() -> None:
    filled = fill(make, seed=3)
    other = Arm("b", "p", "n", "plain")
    texts = [text(filled(cell)) for cell in cells("200")]
    assert len(set(texts)) == len(texts)
    assert [text(filled(cell)) for cell in cells("200", arm=other)] == texts
    assert text(fill(make, seed=4)(cells("200")[0])) != texts[0]


def test_the_answer_is_bound_to_its_length_unless_the_arm_sets_its_own() -> None:
    filled = fill(make, seed=3)
    assert {filled(cell).params["max_tokens"] for cell in cells("9", "77")} == {77}
    own = Arm("a", "p", "m", "plain", {"max_tokens": 5})
    assert filled(cells("9", "77", arm=own)[0]).params["max_tokens"] == 5


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("512", 512, 512),
        ("uniform:10:20", 10, 20),
        ("normal:100:10", 50, 150),
        ("lognormal:100:0.1", 50, 200),
        ("normal:1:1000", 1, 1_000_000),
    ],
)
def test_lengths_are_drawn_from_what_was_asked(words: str, low: int, high: int) -> None:
    rng = random.Random(1)
    drawn = [parse_lengths(words, "--input-tokens").draw(rng) for _ in range(2000)]
    assert low <= min(drawn) <= max(drawn) <= high
    if words.startswith("uniform"):
        assert {low, high} <= set(drawn)
    if words in {"normal:100:10", "lognormal:100:0.1"}:
        assert 98 < sorted(drawn)[1000] < 102


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("norml:5:5", "did you mean 'normal'"),
        ("0", "1 to 1,000,000"),
        ("normal:5", "normal:512:64"),
        ("-5", "write 512"),
        ("9999999", "1 to 1,000,000"),
        ("uniform:9:5", "least comes first"),
        ("1e9", "write 512"),
    ],
)
def test_lengths_that_are_none_are_told_of_in_one_sentence(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        parse_lengths(words, "--input-tokens")
    assert "--input-tokens" in str(error.value)
    assert "\n" not in str(error.value)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True))
def test_a_prefix_is_of_one_run_and_one_cell(names: list[str]) -> None:
    sample = Sample("s", "the same words")
    heads = [
        text(with_unique_prefix(make, run_id=run)(Cell(name, ARM, sample)))
        for run in ("r1", "r2")
        for name in names
    ]
    assert len({head[:18] for head in heads}) == 2 * len(names)
    assert all(head.endswith(" the same words") for head in heads)


def test_a_prefix_goes_before_the_parts_of_a_message() -> None:
    parts = ({"type": "image_url", "image_url": {"url": "data:,"}},)

    def with_parts(_: Cell) -> Request:
        return Request("p", "m", (Message("user", parts), Message("user", "second")))

    request = with_unique_prefix(with_parts, run_id="r")(Cell("c", ARM, Sample("s", "x")))
    content = request.messages[0].content
    assert isinstance(content, tuple)
    first, *rest = content
    assert first["type"] == "text"
    assert tuple(rest) == parts
    assert request.messages[1] == Message("user", "second")
