"""A cassette says the same when it is read, or says clearly that it does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import FailureKind, Piece, Wire
from stepeval.core.errors import UsageError
from stepeval.core.record import Mode, RunInfo
from stepeval.store.cassette import read_cassette, write_head
from stepeval.store.cassette_entry import Entry, read_entry, write_entry
from stepeval.store.checked_json import BadJson

INFO = RunInfo("run", "small", "hash", Mode.LIVE, 1.0, "h", {}, "c")
TEXT = st.text(st.characters(), max_size=20)  # lone surrogates included
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
TIMES = st.integers(-(2**59), 2**59)
PIECES = st.lists(
    st.builds(Piece, TIMES, TIMES, st.binary(max_size=50), st.sampled_from(["read", "kernel"])),
    max_size=4,
).map(tuple)
CUT = st.tuples(st.sampled_from(FailureKind), TEXT)
WIRES = st.builds(
    Wire,
    sent=st.booleans(),
    status=st.integers(0, 999),
    headers=st.dictionaries(TEXT, TEXT, max_size=3),
    headers_ns=TIMES,
    pieces=PIECES,
    cut=st.none() | CUT,
) | st.builds(Wire, sent=st.booleans(), cut=CUT)
ENTRIES = st.builds(
    Entry,
    url=TEXT,
    body=st.dictionaries(TEXT, JSON, max_size=3),
    epoch=st.integers(0, 9),
    cell=TEXT,
    attempt=st.integers(1, 9),
    wire=WIRES,
)
OK = Wire(sent=True, status=200, headers={"content-type": "a"}, headers_ns=3,
          pieces=(Piece(5, 4, b"hi"), Piece(6, 5, b"\xff")))  # fmt: skip
ENTRY = Entry("https://h/v1", {"model": "m"}, 0, "cell", 1, OK)


def written(path: Path, *entries: Entry) -> Path:
    lines = [write_entry(entry) for entry in sorted(entries, key=lambda entry: entry.place)]
    path.write_bytes(write_head(INFO, 1000.0, len(lines), lines) + b"".join(lines))
    return path


@given(ENTRIES)
def test_an_entry_survives_its_line(entry: Entry) -> None:
    line = write_entry(entry)
    assert line.count(b"\n") == 1
    assert read_entry(line) == entry


@settings(max_examples=30)
@given(st.lists(ENTRIES, max_size=5, unique_by=lambda entry: entry.place))
def test_a_cassette_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> None:
    path = written(tmp_path_factory.mktemp("c") / "c", *entries)
    cassette = read_cassette(path)
    info, found = cassette.info, [slot.entry() for slot in cassette.slots]
    assert found == sorted(entries, key=lambda entry: entry.place)
    assert (info.mode, info.suite_hash, info.recorded_at) == (Mode.LIVE, "hash", 1000.0)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "c", ENTRY)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for changed in {whole[place] ^ 1, 0x20} - {whole[place]}:
            path.write_bytes(whole[:place] + bytes([changed]) + whole[place + 1 :])
            with pytest.raises(UsageError, match=str(path)):
                read_cassette(path)


@pytest.mark.parametrize("end", [0, 1, 50, -1])
def test_a_cut_or_longer_file_is_noticed(tmp_path: Path, end: int) -> None:
    path = written(tmp_path / "c", ENTRY)
    whole = path.read_bytes()
    for content in (
        whole[:end],
        whole + b"\n",
        whole + write_entry(ENTRY),
        b"\xef\xbb\xbf" + whole,
    ):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            read_cassette(path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("url", 1, "url must be text"),
        ("body", [], "body must be a JSON object"),
        ("epoch", True, "epoch must be an integer"),
        ("epoch", -1, "epoch must not be negative"),
        ("attempt", 1.5, "attempt must be an integer"),
        ("status", "200", "status must be an integer"),
        ("status", None, "cut must say why"),
        ("status", 10**30, "status must be an integer"),
        ("sent", 1, "sent must be true or false"),
        ("headers", {"a": 1}, "headers must be texts"),
        ("headers_ns", None, "headers_ns must be an integer"),
        ("pieces", {}, "pieces must be a list"),
        ("pieces", [1], "a piece must be a JSON object"),
        ("pieces", [{"text": "a"}], "is missing"),
        ("cut", ["teapot", "x"], "cut must be"),
        ("cut", "x", "cut must be"),
        ("more", 1, "'more' is unknown"),
    ],
)
def test_an_entry_of_other_types_is_refused(name: str, value: Any, said: str) -> None:
    fields = {**json.loads(write_entry(ENTRY)), name: value}
    with pytest.raises(BadJson, match=said):
        read_entry(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}",
        b"[]",
        b"null",
        b'{"url": NaN}',
        b"\xff\xfe",
        b'{"epoch": ' + b"9" * 10_000 + b"}",
    ],
    ids=["deep", "deeper", "empty", "list", "null", "nan", "bytes", "long-number"],
)
def test_a_hostile_line_is_a_sentence(line: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadJson):
        read_entry(line)
    path = tmp_path / "c"
    path.write_bytes(write_head(INFO, 1.0, 1, [line + b"\n"]) + line + b"\n")
    with pytest.raises(UsageError, match=f"{path}:2: "):
        read_cassette(path)
    path.write_bytes(line + b"\n")
    with pytest.raises(UsageError, match=f"{path}:1: "):
        read_cassette(path)


def test_entries_twice_or_out_of_order_are_refused(tmp_path: Path) -> None:
    line = write_entry(ENTRY)
    path = tmp_path / "c"
    path.write_bytes(write_head(INFO, 1.0, 2, [line, line]) + line + line)
    with pytest.raises(UsageError, match=f"{path}:3: .*out of order"):
        read_cassette(path)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError, match="cannot be read"):
            read_cassette(path)


def test_a_replay_of_a_replay_or_a_far_future_is_no_cassette(tmp_path: Path) -> None:
    path = tmp_path / "c"
    for head in (
        write_head(RunInfo("r", "s", "h", Mode.REPLAY, 1.0, "h", {}, "c"), 1.0, 0, []),
        write_head(INFO, 1e15, 0, []),
    ):
        path.write_bytes(head)
        with pytest.raises(UsageError, match=f"{path}:1: "):
            read_cassette(path)
