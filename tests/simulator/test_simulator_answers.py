import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.simulator.answers import Entry, key_of, right, wrong
from stepeval.simulator.prose import filler, thoughts, tokens_of, value_for

_TEXTS = st.text(max_size=60) | st.sampled_from(["42", "B", "positive", "{}", "[]", "-0", "1e400"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
).map(json.dumps)


@settings(deadline=None, max_examples=200)
@given(
    target=_TEXTS | _JSON,
    favourite=st.none() | _TEXTS,
    choices=st.lists(_TEXTS, max_size=4).map(tuple),
    seed=st.integers(0, 50),
)
def test_a_wrong_answer_is_never_the_target(
    target: str, favourite: str | None, choices: tuple[str, ...], seed: int
) -> None:
    entry = Entry(target, favourite, choices=choices)
    answer = wrong(entry, random.Random(seed))
    assert answer.strip().casefold() != target.strip().casefold()


def test_a_wrong_answer_is_plausible() -> None:
    rng = random.Random(1)
    assert wrong(Entry("12", wrong_text="13"), rng) == "13"
    assert wrong(Entry("The answer is (B).", choices=("A", "B")), rng) == "The answer is (A)."
    number = wrong(Entry("That makes 1,204 apples"), rng)
    assert number.startswith("That makes 1,")
    assert number.endswith(" apples")
    other = json.loads(wrong(Entry('{"name": "add", "arguments": {"a": 1}}'), rng))
    assert other["name"] == "add"
    assert isinstance(other["arguments"]["a"], int)


def test_a_shorter_choice_inside_a_longer_one_is_not_mistaken_for_it() -> None:
    entry = Entry("very positive", choices=("positive", "very positive", "negative"))
    answers = {wrong(entry, random.Random(seed)) for seed in range(20)}
    assert answers == {"positive", "negative"}


def test_the_right_answer_is_the_target_verbatim() -> None:
    assert right(Entry(" 42\n")) == " 42\n"


def test_the_key_depends_on_roles_and_contents_only() -> None:
    messages = [{"role": "user", "content": "hi"}]
    assert key_of(messages) == key_of([{"role": "user", "content": "hi", "name": "Ann"}])
    assert key_of(messages) != key_of([{"role": "system", "content": "hi"}])
    assert key_of(messages) != key_of([{"role": "user", "content": [{"type": "text"}]}])


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens_of(text)) == text


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 900), seed=st.integers(0, 50))
def test_thoughts_and_filler_have_the_length_asked_for(count: int, seed: int) -> None:
    assert len(thoughts(count, random.Random(seed))) == count
    assert len(tokens_of(filler(count, random.Random(seed)))) >= count


def test_invented_values_follow_the_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "unit": {"enum": ["C", "F"]},
            "days": {"type": "integer", "minimum": 3},
            "places": {"type": "array", "items": {"type": "string"}},
            "exact": {"type": ["boolean", "null"]},
            "nothing": {"type": "null"},
            "version": {"const": 2},
            "share": {"type": "number"},
        },
    }
    value = value_for(schema, random.Random(3))
    assert value["unit"] in {"C", "F"}
    assert value["days"] >= 3
    assert [type(place) for place in value["places"]] == [str]
    assert isinstance(value["exact"], bool)
    assert value["nothing"] is None
    assert value["version"] == 2
    assert value["share"] >= 1
