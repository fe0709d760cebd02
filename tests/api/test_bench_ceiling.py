"""The calibration that is kept, in a folder where anything may stand."""

import os
from pathlib import Path
from threading import Thread

import pytest

from stepeval.api.bench.ceiling import ceiling_file, known_ceiling

KEPT = (
    '{"1": {"requests_per_s": 9.0, "chunks_per_s": 8.0, "cpu_us_per_chunk": 7.0,'
    ' "workers": 1, "measured_at": 6.0}}'
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = ceiling_file()
    path.parent.mkdir()
    return path


def test_a_kept_ceiling_is_found_by_its_workers(place: Path) -> None:
    place.write_text(KEPT, "utf-8")
    found = known_ceiling(1)
    assert found is not None
    assert found.requests_per_s == 9.0
    assert known_ceiling(2) is None


@pytest.mark.parametrize("has_writer", [False, True])
def test_a_fifo_in_its_place_is_not_waited_for(place: Path, *, has_writer: bool) -> None:
    """Without a writer the opening would wait; with one that is silent, the read."""
    os.mkfifo(place)
    writer = os.open(place, os.O_RDWR) if has_writer else None
    found: list[object] = []
    looking = Thread(target=lambda: found.append(known_ceiling(1)), daemon=True)
    looking.start()
    looking.join(20)
    assert found == [None]
    if writer is not None:
        os.close(writer)


def test_a_link_in_its_place_is_not_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(KEPT, "utf-8")
    place.symlink_to(tmp_path / "other")
    assert known_ceiling(1) is None


@pytest.mark.parametrize("text", ["", "[" * 60_000, " " + "[" * 60_000, "7"])
def test_a_file_that_is_none_of_ours_is_passed_over(place: Path, text: str) -> None:
    place.write_text(text, "utf-8")
    assert known_ceiling(1) is None
