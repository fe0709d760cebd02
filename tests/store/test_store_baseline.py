"""A baseline's file says the same when it is read, or says clearly that it does not."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.baseline import Baseline, BaselineArm, ItemValues
from stepeval.core.chat import Message, ToolCall
from stepeval.core.errors import UnknownName, UsageError
from stepeval.core.record import Mode
from stepeval.core.task import Price, Prompt
from stepeval.store.baseline import parse_baseline, read_baseline, render_baseline, write_baseline
from stepeval.store.baselines import BaselinesFolder
from stepeval.store.checked_json import BadJson

TEXT = st.text(st.characters(), max_size=12)  # lone surrogates included
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
MESSAGES = st.builds(
    Message,
    role=TEXT,
    content=st.none() | TEXT | st.lists(OBJECT, max_size=2).map(tuple),
    name=st.none() | TEXT,
    tool_calls=st.lists(st.builds(ToolCall, st.none() | TEXT, TEXT, TEXT), max_size=2).map(tuple),
    tool_call_id=st.none() | TEXT,
)
PROMPTS = st.builds(
    Prompt,
    id=TEXT,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    tools=st.lists(OBJECT, max_size=2).map(tuple),
    response_format=st.none() | OBJECT,
)
AMOUNTS = st.floats(0, 1e12)


@st.composite
def item_values(draw: st.DrawFn, key: str) -> ItemValues:
    count = draw(st.integers(0, 3))
    values = {
        name: tuple(draw(st.lists(st.none() | st.floats(0, most), min_size=count, max_size=count)))
        for name, most in (("scores", 1), ("e2e_ms", 1e12), ("ttft_ms", 1e12), ("costs", 1e12))
    }
    return ItemValues(key, draw(TEXT), draw(st.none() | TEXT), **values)


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    names = draw(st.lists(TEXT, unique=True, max_size=3))
    arms = []
    for name in names:
        keys = sorted(draw(st.sets(TEXT, max_size=4)))
        arms.append(
            BaselineArm(
                name=name,
                provider=draw(TEXT),
                server=draw(TEXT),
                model=draw(TEXT),
                prompt=draw(PROMPTS),
                params=draw(OBJECT),
                price=draw(
                    st.none()
                    | st.builds(Price, TEXT, AMOUNTS, AMOUNTS, AMOUNTS, as_of=st.none() | TEXT)
                ),
                items=tuple(draw(item_values(key)) for key in keys),
            )
        )
    return Baseline(
        name=draw(TEXT),
        suite=draw(TEXT),
        suite_hash=draw(TEXT),
        scoring=draw(TEXT),
        mode=draw(st.sampled_from(Mode)),
        made_at=draw(st.floats(0, 2e11)),
        runs=tuple(draw(st.lists(TEXT, max_size=3))),
        untimed=draw(st.none() | TEXT),
        arms=tuple(arms),
    )


def made(items: int = 3) -> Baseline:
    prompt = Prompt("p", (Message("user", "{{ input }}"),))
    values = tuple(
        ItemValues(f"key{n}", f"q{n}", None, (1.0, 0.0), (120.5, 99.0), (40.0, None), (0.1, 0.2))
        for n in range(items)
    )
    arm = BaselineArm("a", "stepfun", "https://api.example", "m", prompt, {"n": 1}, None, values)
    return Baseline("main", "s", "h1", "h2", Mode.LIVE, 1e9, ("run",), None, (arm,))


@settings(max_examples=150, deadline=None)
@given(baselines())
def test_what_was_written_is_read(baseline: Baseline) -> None:
    text = render_baseline(baseline)
    again = parse_baseline(text.encode("utf-8", "surrogatepass"))
    assert render_baseline(again) == text
    assert again == baseline


def test_the_file_is_read_back_and_open_to_all_who_read_the_checkout(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "main.baseline.json"
    write_baseline(made(), path)
    assert read_baseline(path) == made()
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == [path.name], "no half-written file is left"


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    """Except line ends, which git may turn around on the way."""
    data = render_baseline(made()).encode()
    assert parse_baseline(data.replace(b"\n", b"\r\n")) == made()
    chance = random.Random(7)
    for place in chance.sample(range(len(data)), 300):
        other = bytes([chance.choice([b for b in b'0a1"{, \n' if b != data[place]])])
        with pytest.raises(BadJson):
            parse_baseline(data[:place] + other + data[place + 1 :])
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(BadJson):
            parse_baseline(data[:cut])
    with pytest.raises(BadJson):
        parse_baseline(data + b"\n")
    path = tmp_path / "x.baseline.json"
    path.write_bytes(data.replace(b"120.5", b"12.5"))
    with pytest.raises(UsageError, match=r"x\.baseline\.json: .*its digest differs"):
        read_baseline(path)


def test_a_diff_shows_the_items_that_changed() -> None:
    """A line for each: what a reviewer sees is what moved."""
    before = made()
    (arm,) = before.arms
    items = (arm.items[0], replace(arm.items[1], scores=(0.0, 0.0)), *arm.items[2:])
    after = replace(before, arms=(replace(arm, items=items),))
    lines = zip(
        render_baseline(before).splitlines(), render_baseline(after).splitlines(), strict=True
    )
    changed = [new for old, new in lines if old != new]
    assert len(changed) == 2, "the digest and the item"
    assert '"key1"' in changed[1]


WRONG: list[tuple[str, Any]] = [
    ("scores above 1", lambda d: d["items"][0].update(scores=[2, 0])),
    ("a time below 0", lambda d: d["items"][0].update(e2e_ms=[-1, 0])),
    ("a number without end", lambda d: d["items"][0].update(costs=[1e400, 0])),
    ("truth for a number", lambda d: d["items"][0].update(costs=[True, 0])),
    ("unlike counts", lambda d: d["items"][0].update(costs=[1])),
    ("no such arm", lambda d: d["items"][0].update(arm=1)),
    ("an item twice", lambda d: d["items"].append(d["items"][0])),
    ("a name too many", lambda d: d.update(more=1)),
    ("a name too few", lambda d: d.pop("runs")),
    ("a strange mode", lambda d: d.update(mode="DREAMT")),
    ("another version", lambda d: d.update(stepeval_baseline=2)),
    ("arms that are none", lambda d: d.update(arms=["x"])),
    ("a message that is none", lambda d: d["arms"][0]["prompt"].update(messages=[1])),
    ("parameters that are none", lambda d: d["arms"][0].update(params=[])),
    ("two arms of a name", lambda d: d["arms"].append(d["arms"][0])),
]


@pytest.mark.parametrize("spoil", [s for _, s in WRONG], ids=[what for what, _ in WRONG])
def test_a_strangers_file_is_refused_in_a_sentence(spoil: Any, tmp_path: Path) -> None:
    data = json.loads(render_baseline(made()))
    spoil(data)
    path = tmp_path / "b.baseline.json"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(UsageError, match=r"b\.baseline\.json: no baseline that can be used: \S"):
        read_baseline(path)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 5_000])
def test_a_number_that_json_cannot_hold_is_refused_as_well(number: str, tmp_path: Path) -> None:
    """In what is not looked at closer, too: no digest can be taken of it."""
    path = tmp_path / "b.baseline.json"
    path.write_text(
        render_baseline(made()).replace('"params": {', f'"params": {{"x": {number}, ', 1), "utf-8"
    )
    with pytest.raises(UsageError, match="this is no JSON"):
        read_baseline(path)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a b", "é", "a\n"])
def test_a_name_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a baseline"):
        BaselinesFolder(tmp_path).path(name)


def test_the_folder_lists_reads_and_removes(tmp_path: Path) -> None:
    folder = BaselinesFolder(tmp_path / "baselines")
    assert folder.names() == []
    folder.write(made())
    (folder.root / "bad.baseline.json").write_text("{}", "utf-8")
    (folder.root / "other.json").write_text("{}", "utf-8")
    found = dict(folder.each())
    assert found["main"] == made()
    assert isinstance(found["bad"], UsageError)
    assert sorted(found) == ["bad", "main"]
    with pytest.raises(UnknownName, match=r"unknown baseline 'mian' \(did you mean 'main'\?\)"):
        folder.read("mian")
    folder.remove("main")
    assert folder.names() == ["bad"]
