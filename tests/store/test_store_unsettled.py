"""What a killed process may owe is found by the next one, whatever is in the file."""

from pathlib import Path

import pytest

from stepeval.core.errors import StoreError
from stepeval.core.outlay import Used
from stepeval.store.unsettled import UNSETTLED, Unsettled


def test_the_latest_word_on_each_arm_is_found(tmp_path: Path) -> None:
    with Unsettled(tmp_path, ("a", "b")) as first:
        assert first.lost == {"a": Used(), "b": Used()}
        first.note("b", Used(3, 10, 2**80))
        first.note("a", Used(1, 1, 1))
        first.note("a", Used(2, 20, 200))
    with Unsettled(tmp_path, ("a", "b")) as second:
        assert second.lost == {"a": Used(2, 20, 200), "b": Used(3, 10, 2**62)}
    assert (tmp_path / UNSETTLED).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 48, b"\xff" * 500])
def test_a_stranger_s_file_gives_nothing_back(tmp_path: Path, content: bytes) -> None:
    (tmp_path / UNSETTLED).write_bytes(content)
    with Unsettled(tmp_path, ("a", "b")) as found:
        assert found.lost == {"a": Used(), "b": Used()}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious")
    (tmp_path / UNSETTLED).symlink_to(tmp_path / "other")
    with pytest.raises(StoreError, match="cannot be written"):
        Unsettled(tmp_path, ("a",))
    assert (tmp_path / "other").read_text() == "precious"
