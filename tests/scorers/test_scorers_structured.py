"""JSON answers: bounded reading, exact equality, schemas that fetch nothing and never hang."""

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.exceptions import Unresolvable

from stepeval.core.chat import Choice
from stepeval.core.ports import Scorer
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.json_schema import schema_violation
from stepeval.scorers.json_text import MOST_NESTED, comparable, fenced
from stepeval.scorers.structured import JsonEquals, JsonSchema, JsonValid

FENCED = 'Here you are:\n```json\n{"a": 1}\n```\nBye.'


def judge(scorer: Scorer, text: str, target: Any = None) -> Score:
    return scorer(Sample("s", "q", target), Choice(0, text))


@pytest.mark.parametrize(
    ("scorer", "text", "value"),
    [
        (JsonValid(), '{"a": [1, 2.5e3, null, "\\u00e9"]}', 1),
        (JsonValid(), " 3 ", 1),
        (JsonValid(), "", 0),
        (JsonValid(), "{a: 1}", 0),
        (JsonValid(), "{} {}", 0),
        (JsonValid(), FENCED, 0),
        (JsonValid(extract=True), FENCED, 1),
        (JsonValid(extract=True), "```json\n{}\n```\n```\n{x\n```", 0),
        (JsonValid(extract=True), '```json\n{"cut": [1,', 0),
        (JsonValid(extract=True), "no json", 0),
        (JsonValid(), '{"a": 1, "a": 2}', 0),
        (JsonValid(strict=False), '{"a": 1, "a": 2}', 1),
        (JsonValid(), "NaN", 0),
        (JsonValid(), "[-Infinity]", 0),
        (JsonValid(strict=False), "NaN", 1),
        (JsonValid(), "1e400", 0),
        (JsonValid(), "9" * 5_000, 0),
        (JsonValid(), "[" * 100_000, 0),
        (JsonValid(), "[" * 100_000 + "]" * 100_000, 0),
        (JsonValid(), '{"a":' * 100_000, 0),
        (JsonValid(), "[" * MOST_NESTED + "]" * MOST_NESTED, 1),
        (JsonValid(), "[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1), 0),
        (JsonValid(), '"' + "[" * 1_000 + '"', 1),
        (JsonValid(), '"\\"' * 100_000, 0),
        (JsonValid(), '"\\ud800"', 1),
    ],
)
def test_what_is_valid(scorer: Scorer, text: str, value: int) -> None:
    score = judge(scorer, text)
    assert score.value == value
    assert (score.explanation is None) == (value == 1)


def test_a_fenced_answer_is_told_of_the_option_that_reads_it() -> None:
    assert "extract would read" in str(judge(JsonValid(), FENCED).explanation)


def test_the_last_fenced_block_is_read() -> None:
    assert fenced("```\na\n```\ntext\n  ```json\nb\n```") == "b"


@pytest.mark.parametrize(
    ("scorer", "target", "text", "value"),
    [
        (JsonEquals(), {"a": 1, "b": [1, 2]}, '{"b": [1, 2.0], "a": 1}', 1),
        (JsonEquals(), {"a": [1, 2]}, '{"a": [2, 1]}', 0),
        (JsonEquals(), {"a": True}, '{"a": 1}', 0),
        (JsonEquals(), {"a": 1}, '{"a": 1, "b": 2}', 0),
        (JsonEquals(), '{"a": 1}', '{"a": 1}', 1),
        (JsonEquals(), "billing", '"billing"', 1),
        (JsonEquals(), "billing", "billing", 0),
        (JsonEquals(value={"a": 2}), {"a": 1}, '{"a": 2}', 1),
        (JsonEquals(extract=True), {"a": 1}, FENCED, 1),
        (JsonEquals(fields=("a",)), {"a": 1, "b": 2}, '{"a": 1, "b": 3, "c": 4}', 1),
        (JsonEquals(fields=("a", "b")), {"a": 1, "b": 2}, '{"a": 1, "b": 3}', 0),
        (JsonEquals(fields=("a",)), {"a": None}, '{"b": 1}', 0),
        (JsonEquals(fields=("a",)), {"a": None}, '{"a": null}', 1),
        (JsonEquals(fields=("a",)), {"a": 1}, "[1]", 0),
        (JsonEquals(fields=("a",)), {"b": 1}, '{"a": 1}', None),
        (JsonEquals(fields=("a",)), "text", '{"a": 1}', None),
        (JsonEquals(), None, "{}", None),
        (JsonEquals(), {"day": dt.date(2024, 1, 5)}, '{"day": "2024-01-05"}', None),
        (JsonEquals(), {1: 2}, "{}", None),
    ],
)
def test_what_is_equal(scorer: Scorer, target: Any, text: str, value: int | None) -> None:
    score = judge(scorer, text, target)
    assert score.value == value
    assert (score.explanation is None) == (value == 1)


def test_the_field_that_differs_is_named() -> None:
    score = judge(JsonEquals(fields=("a", "b")), '{"a": 1, "b": 3}', {"a": 1, "b": 2})
    assert score.explanation == "answered b=3, wanted b=2"


TREE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"pattern": "^(a+)+$"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"required": ["a"], "properties": {"a": {"type": "integer"}}}, '{"a": 1}', 1),
        ({"required": ["a"], "properties": {"a": {"type": "integer"}}}, '{"a": "1"}', 0),
        ({"required": ["a"]}, "{", 0),
        (TREE, '{"children": [{"name": "aa"}]}', 1),
        (TREE, '{"children": [{"name": "b"}]}', 0),
        (TREE, '{"children": [' * 32 + "]}" * 32, 1),
        (TREE, '{"children": [' * 50_000, 0),
        ({"additionalProperties": False, "properties": {"a": True}}, '{"a": 1}', 1),
        ({"additionalProperties": False, "patternProperties": {"^x": True}}, '{"x1": 1}', 1),
        ({"additionalProperties": False, "patternProperties": {"^x": True}}, '{"y": 1}', 0),
        ({"additionalProperties": {"type": "string"}}, '{"y": 1}', 0),
        ({"patternProperties": {"^x": {"type": "string"}}}, '{"x": 1}', 0),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}, '{"a": 1}', 1),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}, '{"b": 1}', 0),
        ({"multipleOf": 0.01}, "0.07", 1),
        ({"multipleOf": 0.01}, "0.075", 0),
        ({"uniqueItems": True}, "[1, true, 1.5]", 1),
        ({"uniqueItems": True}, "[1, 1.0]", 0),
        ({"uniqueItems": True}, '[{"a": [1]}, {"a": [1]}]', 0),
        ({"pattern": "^.$"}, '"\\ud800"', 1),
        ({"const": {"pattern": "(?=data)"}}, '{"pattern": "(?=data)"}', 1),
        ({"$defs": {"n": {"$anchor": "n", "type": "number"}}, "$ref": "#n"}, "1", 1),
        ({"properties": {"$schema": {"type": "string"}}}, '{"$schema": "x"}', 1),
    ],
)
def test_what_a_schema_admits(schema: dict[str, Any], text: str, value: int) -> None:
    assert judge(JsonSchema(schema), text).value == value


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "strin"}, "the schema is wrong at type"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "must be .*2020-12"),
        ({"items": {"$schema": "http://json-schema.org/draft-04/schema#"}}, "one dialect"),
        ({"pattern": "(?=a)"}, "look-around"),
        ({"items": {"patternProperties": {"(a)\\1": True}}}, "backreference"),
        ({"properties": {"const": {"pattern": "("}}}, "not valid in RE2"),
        ({"$ref": "#/$defs/missing"}, "not in the schema"),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$ref": "#/type", "type": "object"}, "does not point to a schema"),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "not in the schema"),
        ({"$ref": "#"}, "refers to itself without end"),
        ({"allOf": [{"patternProperties": {}}], "unevaluatedProperties": False}, "not go together"),
        ({"const": float("nan")}, "not JSON"),
        ({"const": dt.date(2024, 1, 5)}, "not JSON"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        JsonSchema(schema)


def test_a_schema_that_is_endless_on_some_answers_leaves_those_unscored() -> None:
    scorer = JsonSchema({"properties": {"a": {"$ref": "#/properties/a"}}})
    assert judge(scorer, '{"b": 1}').value == 1
    assert judge(scorer, '{"a": 1}').value is None


def test_no_pattern_of_a_schema_backtracks() -> None:
    """Through every keyword that looks at one; Python's engine would not come back."""
    evil, text = "^(a+)+$", "a" * 5_000 + "!"
    for schema, answer in (
        ({"pattern": evil}, f'"{text}"'),
        ({"patternProperties": {evil: False}, "additionalProperties": False}, f'{{"{text}": 1}}'),
        ({"propertyNames": {"pattern": evil}}, f'{{"{text}": 1}}'),
        (
            {"properties": {"a": {"$ref": "#/$defs/p"}}, "$defs": {"p": {"pattern": evil}}},
            f'{{"a": "{text}"}}',
        ),
    ):
        assert judge(JsonSchema(schema), answer).value == 0


def test_a_long_list_of_objects_is_checked_for_duplicates_in_one_pass() -> None:
    answer = "[" + ",".join(f'{{"n": {n}}}' for n in range(20_000)) + "]"
    assert judge(JsonSchema({"uniqueItems": True}), answer).value == 1


@contextmanager
def counting_listener() -> Iterator[tuple[int, list[bytes]]]:
    """A real port, and what has been sent to it."""
    hits: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    hits.append(connection.recv(64))

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], hits
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_reference_to_an_address_is_never_fetched() -> None:
    with counting_listener() as (port, hits):
        url = f"http://127.0.0.1:{port}/schema.json"
        for schema in (
            {"$ref": url},
            {"$dynamicRef": url},
            {"$id": url, "$ref": "other.json"},
            {"properties": {"a": {"$id": url, "$ref": "more.json#/x"}}},
            {"$defs": {"a": {"anyOf": [{"$ref": url}]}}},
        ):
            with pytest.raises(ValueError, match="nothing is fetched"):
                JsonSchema(schema)
        own = JsonSchema({"$id": url, "$ref": "#/$defs/a", "$defs": {"a": {"type": "number"}}})
        assert judge(own, "1").value == 1
        with pytest.raises(Unresolvable):  # nor by a schema that was never checked
            schema_violation({"$ref": url}, 1)
        assert not hits
        with socket.create_connection(("127.0.0.1", port)) as client:  # the listener does count
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            client.recv(1)
    assert hits == [b"hello"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(JSON, JSON)
@settings(deadline=None, max_examples=200)
def test_values_compare_as_json_does(left: Any, right: Any) -> None:
    assert comparable(left) == comparable(left)
    if comparable(left) == comparable(right):
        assert left == right  # Python calls even more things equal: 1 and True


def test_a_wrong_value_is_explained_by_both() -> None:
    assert judge(JsonEquals(), "[1]", {"a": 1}).explanation == "answered [1], wanted {'a': 1}"


def test_references_that_double_at_every_level_end_as_a_refusal() -> None:
    """Forty of them mean 2^40 steps; nothing else bounds the time a schema takes."""
    levels = {
        f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}, {"$ref": f"#/$defs/l{n + 1}"}]}
        for n in range(40)
    }
    with pytest.raises(RecursionError):
        schema_violation({"$ref": "#/$defs/l0", "$defs": {**levels, "l40": {}}}, 1)
