"""Text that a terminal or a job of GitHub Actions would obey is shown, and not obeyed."""

import pytest

from stepeval.core.printable import plain

MARK = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b", "\u202e", "\r", "\x07", "\ud800"])
def test_what_a_terminal_obeys_becomes_a_mark(text: str) -> None:
    assert not set(plain(f"a{text}b")) & {"\x1b", "\x9b", "\u202e", "\r", "\x07", "\ud800"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", f"{MARK}:error::x"),
        ("  ::error::x", f"  {MARK}:error::x"),
        ("a\n\t::set-env name=x::y", f"a\n\t{MARK}:set-env name=x::y"),
        ("a ##[error]x", f"a {MARK}[error]x"),
        ("suite.yaml::one[low]", "suite.yaml::one[low]"),
        ("# title ## [x]", "# title ## [x]"),
    ],
)
def test_a_workflow_command_of_data_is_none(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert plain(text) == shown
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert plain(text) == text
