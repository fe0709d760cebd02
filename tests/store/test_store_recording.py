"""A cassette in the making survives its run's interruptions, and comes out in one order."""

import resource
import stat
from pathlib import Path

import pytest

from stepeval.core.chat import Piece, Wire
from stepeval.core.errors import StoreError, UsageError
from stepeval.core.record import Mode, RunInfo
from stepeval.store.cassette import read_cassette
from stepeval.store.cassette_entry import Entry, write_entry
from stepeval.store.recording import JOURNAL, Recording, check_target

INFO = RunInfo("run", "small", "hash", Mode.LIVE, 1.0, "h", {}, "c")


def entry(cell: str, attempt: int = 1, *, epoch: int = 0, said: bytes = b"hi") -> Entry:
    wire = Wire(sent=True, status=200, headers_ns=1, pieces=(Piece(2, 1, said),))
    return Entry("https://h", {"model": "m", "n": cell[0]}, epoch, cell, attempt, wire)


def recorded(run: Path, *entries: Entry) -> None:
    with Recording(run) as recording:
        for each in entries:
            recording.add(each)


def test_the_order_of_answers_makes_no_difference(tmp_path: Path) -> None:
    entries = [entry("a"), entry("b", 1), entry("b", 2), entry("c", epoch=1), entry("a2")]
    files = []
    for place, order in enumerate(([0, 1, 2, 3, 4], [4, 1, 3, 0, 2])):
        run = tmp_path / str(place)
        run.mkdir()
        with Recording(run) as recording:
            for each in order:
                recording.add(entries[each])
            count = recording.finish(run / "c", INFO, 5.0)
        assert count == 5
        with Recording(run) as recording:
            assert recording.written
        files.append((run / "c").read_bytes())
    assert files[0] == files[1]
    assert stat.S_IMODE((tmp_path / "0" / "c").stat().st_mode) == 0o600


def test_a_resumed_run_goes_on_with_the_journal(tmp_path: Path) -> None:
    """A cell that was begun and not finished is begun anew: its first life is no part of it."""
    recorded(tmp_path, entry("a"), entry("b", 1, said=b"lost"), entry("b", 2, said=b"lost"))
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(write_entry(entry("c", said=bytes(500)))[:-9])  # killed in the middle of a line
    recorded(tmp_path, entry("b", 1, said=b"kept"))
    with Recording(tmp_path) as recording:
        recording.finish(tmp_path / "c", INFO, 5.0)
    entries = [slot.entry() for slot in read_cassette(tmp_path / "c").slots]
    assert [(e.cell, e.attempt, e.wire.pieces[0].data) for e in entries] == [
        ("a", 1, b"hi"),
        ("b", 1, b"kept"),
    ]


def test_a_recording_knows_what_it_lacks(tmp_path: Path) -> None:
    recorded(tmp_path, entry("a"))
    with Recording(tmp_path) as recording:
        assert recording.lacks({"a", "b"}) == {"b"}
        recording.add(entry("b"))
        assert not recording.lacks({"a", "b"})
        assert recording.finish(tmp_path / "c", INFO, 5.0) == 2


def test_a_cassette_that_nothing_could_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was there before stays."""
    target = tmp_path / "c"
    target.write_text("what was there before")
    monkeypatch.setattr("stepeval.store.recording.LARGEST", 2 << 20)
    with Recording(tmp_path) as recording:
        for cell in "abc":
            recording.add(entry(cell, said=b"x" * 400_000))
        with pytest.raises(StoreError, match="a cassette may have 2; record fewer"):
            recording.finish(target, INFO, 5.0)
    assert target.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", JOURNAL]


def test_a_full_disk_is_told_once_and_nothing_of_it_stays(tmp_path: Path) -> None:
    """The half of a line that still fitted is cut off by the session that goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recording(tmp_path) as recording:
        recording.add(entry("a"))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
            with pytest.raises(StoreError, match="cannot be written: File too large"):
                recording.add(entry("b", said=b"x" * 10_000))
            recording.__exit__(None, None, None)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Recording(tmp_path) as recording:
        assert recording.lacks({"a", "b"}) == {"b"}


def test_a_damaged_journal_makes_no_cassette(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b"{}\n")
    with Recording(tmp_path) as recording, pytest.raises(StoreError, match="damaged"):
        recording.finish(tmp_path / "c", INFO, 5.0)


def test_the_journal_is_private_and_follows_no_link(tmp_path: Path) -> None:
    recorded(tmp_path, entry("a"))
    assert stat.S_IMODE((tmp_path / JOURNAL).stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.mkdir()
    (other / JOURNAL).symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match="cannot be written"):
        Recording(other)
    assert not (tmp_path / "victim").exists()


def test_where_no_cassette_can_be_is_said_before_anything_is_paid_for(tmp_path: Path) -> None:
    check_target(tmp_path / "c")
    for path in (tmp_path, tmp_path / "none" / "c"):
        with pytest.raises(UsageError, match="--record"):
            check_target(path)


def test_a_file_that_is_no_cassette_is_not_overwritten(tmp_path: Path) -> None:
    """`run a.yaml --record b.yaml` is a slip, and as root so is /dev/null."""
    suite, empty = tmp_path / "suite.yaml", tmp_path / "empty"
    suite.write_text("stepeval: 1\n")
    empty.touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for path in (suite, Path("/dev/null")):
        with pytest.raises(UsageError, match="is there and no cassette"):
            check_target(path)
    recorded(tmp_path, entry("a"))
    with Recording(tmp_path) as recording:
        recording.finish(empty, INFO, 5.0)
    for path in (empty, tmp_path / "dangling"):
        check_target(path)
