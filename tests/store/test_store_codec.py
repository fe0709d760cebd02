import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    Message,
    Response,
    Timing,
    ToolCall,
    Usage,
)
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Price, Prompt, Provider, Sample, ScoringRule, Suite
from stepeval.store.codec import dump, from_text, load, to_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
OBJECTS = st.dictionaries(st.text(), JSON, max_size=3)
USAGES = st.builds(Usage, *[st.none() | st.integers()] * 5)
CHOICES = st.builds(
    Choice,
    st.integers(0, 9),
    st.text(st.characters()),
    st.none() | st.text(),
    st.lists(st.builds(ToolCall, st.none() | st.text(), st.text(), st.text()), max_size=2).map(
        tuple
    ),
    st.none() | st.text(),
)
TIMINGS = st.builds(
    Timing,
    *[st.none() | st.integers(0, 2**62)] * 4,
    st.lists(st.builds(Chunk, st.integers(), st.integers(), st.sampled_from(ChunkKind))).map(tuple),
)
RESPONSES = st.builds(
    Response,
    st.none() | st.text(),
    st.none() | st.text(),
    st.lists(CHOICES, max_size=3).map(tuple),
    USAGES,
    TIMINGS,
    st.none() | st.text(),
    st.booleans(),
)
FAILURES = st.builds(
    Failure,
    st.sampled_from(FailureKind),
    st.text(),
    st.none() | st.integers(100, 599),
    st.none() | st.floats(0, 1e6),
    st.none() | st.text(),
    st.none() | TIMINGS,
    st.none() | RESPONSES,
)


@settings(deadline=None, max_examples=150)
@given(st.builds(Exchange, st.text(), st.text(st.characters()), RESPONSES | FAILURES))
def test_every_exchange_survives_its_text(exchange: Exchange) -> None:
    """Lone surrogates and integers beyond 64 bits included: whatever came was paid for."""
    text = to_text(exchange)
    text.encode()  # it is always storable
    assert from_text(Exchange, text) == exchange


@settings(deadline=None, max_examples=50)
@given(
    st.builds(Sample, st.text(), st.text() | OBJECTS, JSON, st.lists(st.text()).map(tuple), OBJECTS)
)
def test_every_sample_survives_with_its_key(sample: Sample) -> None:
    loaded = from_text(Sample, to_text(sample))
    assert (loaded, loaded.key) == (sample, sample.key)


@settings(deadline=None, max_examples=100)
@given(RESPONSES | FAILURES)
def test_the_text_is_that_of_the_dump_whoever_writes_it(result: Response | Failure) -> None:
    text = to_text(result)
    assert json.loads(text) == json.loads(json.dumps(dump(result)))


def test_what_is_cached_on_a_value_is_no_field_of_it() -> None:
    sample = Sample("1", "x")
    before = to_text(sample)
    assert sample.key
    assert to_text(sample) == before


def test_a_suite_survives_with_every_nested_type() -> None:
    parts = ({"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "u"}})
    suite = Suite(
        "s",
        (Provider("p", "https://h", ("KEY",), {"x": "y"}),),
        (Prompt("q", (Message("user", parts), Message("assistant", None), Message("user", "t"))),),
        (Sample("1", {"a": 1}, ["b"]),),
        (),
        scoring=(ScoringRule("r", "exact", {"strip": True}, 2.0, True, {"tag": ["a"]}),),
        prices={"m": Price("USD", 1.0, 0.5, 2.0)},
    )
    assert from_text(Suite, to_text(suite)) == suite


def test_an_older_and_a_newer_file_can_be_read() -> None:
    """A missing field gets its default, an unknown one is passed over."""
    info = {"id": "i", "suite_name": "s", "suite_hash": "h", "mode": "LIVE", "created_at": 1.0,
            "host": "h", "versions": {}, "command": "c", "from_the_future": 1}  # fmt: skip
    assert load(RunInfo, info) == RunInfo("i", "s", "h", Mode.LIVE, 1.0, "h", {}, "c")


def test_a_union_of_classes_is_told_apart_by_its_tag() -> None:
    failed = Exchange("u", "b", Failure(FailureKind.SERVER, "no"))
    assert dump(failed)["result"]["type"] == "Failure"


def test_a_type_without_a_json_form_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: set[int]

    with pytest.raises(TypeError, match="no JSON form"):
        dump(Odd({1}))
