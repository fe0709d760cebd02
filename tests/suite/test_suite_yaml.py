"""YAML is read by 1.2's rules, with places, and cannot take the process with it."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.errors import SuiteError
from stepeval.suite.yaml_tree import place_of, plain, read_yaml


def _refusal(text: str) -> str:
    with pytest.raises(SuiteError) as caught:
        read_yaml(text, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "yes",
        "on",
        "off",
        "12:30",
        "2024-01-01",
        "0o17",
        "0x1f",
        "017",
        "1_000",
        "1e999",
        "NO",
        ".inf",
        ".nan",
        "-",
        "=",
        "1" * 30,
    ],
)
def test_what_yaml_1_1_would_change_stays_text(text: str) -> None:
    assert plain(read_yaml(f"a: {text}x", "f"))["a"] == f"{text}x"
    if text != "-":
        assert plain(read_yaml(f"a: {text}", "f")) == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-7", -7),
        ("+1", 1),
        (".5", 0.5),
        ("1.", 1.0),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("null", None),
        ("0", 0),
        ("'1'", "1"),
        ("'no'", "no"),
    ],
)
def test_core_schema_values(text: str, value: object) -> None:
    found = plain(read_yaml(f"a: {text}", "f"))["a"]
    assert found == value
    assert type(found) is type(value)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(categories=["L"]), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(_JSON)
def test_json_is_read_as_json(value: object) -> None:
    assert plain(read_yaml(json.dumps(value, ensure_ascii=False), "f")) == value


def test_places_of_keys_and_values() -> None:
    root = read_yaml("a:\n  - b: 1\n    c: two\n", "f")
    assert (place_of(root, ("a", 0, "c")).line, place_of(root, ("a", 0, "c")).column) == (3, 8)
    assert place_of(root, ("a", 0, "c"), key=True).column == 5
    assert place_of(root, ("a", "tag", 0, "b")).line == 2, "a validator's tags are stepped over"


def _bomb(levels: int) -> str:
    lines = [
        f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 10) + "]"
        for level in range(1, levels)
    ]
    return "\n".join(["a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]", *lines])


def test_alias_bomb_ends_at_once_in_little_memory() -> None:
    tracemalloc.start()
    try:
        assert _refusal(_bomb(9)).endswith("aliases expand to more than 1,000,000 values")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000


def test_one_large_text_repeated_is_a_bomb_too() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{','.join(['*a'] * 20)}]"
    assert "aliases expand" in _refusal(text)


def test_small_aliases_work() -> None:
    assert plain(read_yaml("a: &x {b: 1}\nc: *x", "f")) == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_not_followed(opening: str) -> None:
    assert "nested deeper than 64 levels" in _refusal(opening * 200_000)


def test_depth_through_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200)]
    assert "nested deeper than 64 levels" in _refusal("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: !!python/object:os.system {}", "YAML tags are not supported"),
        ("a: !local x", "YAML tags are not supported"),
        ("a: !!str 5", "YAML tags are not supported"),
        ("a: ! x", "YAML tags are not supported"),
        ("a: 1\na: 2", "x.yaml:2:1: duplicate key 'a' (first on line 1)"),
        ("<<: {a: 1}", "merge keys"),
        ("? [a]\n: 1", "a key must be text"),
        ("&k a: 1\n*k : 2", "a key must be text, not an alias"),
        ("a: &a [*a]", "contains itself"),
        ("a: *b", "unknown alias '*b'"),
        ("--- 1\n--- 2", "one YAML document"),
        ("a: \x01", "control character"),
        ("a: @x", "put quotes around the text"),
        ("", "the file is empty"),
    ],
)
def test_what_a_suite_may_not_use(text: str, sentence: str) -> None:
    assert sentence in _refusal(text)


def test_all_duplicate_keys_are_told_at_once() -> None:
    assert len(_refusal("a: 1\na: 2\nb: 1\nb: 2").splitlines()) == 2
