"""GitHub shows what is said, and obeys none of it."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from checked_runs import hand_made
from hypothesis import given
from hypothesis import strategies as st

from stepeval.analysis.checks import Checked, checked
from stepeval.exchange.github import MOST_ANNOTATIONS, annotations, fits, summary

COMMAND = re.compile(r"::(error|notice)( [^\n:]*)?::[^\n]*")


def run_with(text: str, items: int = 1) -> Checked:
    answers = {f"x{place}": [0.0] for place in range(items)}
    return checked(hand_made(answers, text=text, source="suites/s.yaml"))  # type: ignore[arg-type]  # lists of numbers


def test_an_annotation_names_its_place_as_the_checkout_has_it() -> None:
    here = Path.cwd()
    (check,) = run_with("said").checks
    placed = replace(check, file=str(here / "suites" / "s.yaml"), line=7)
    (line,) = annotations([placed], here)
    assert line.startswith("::error file=suites/s.yaml,line=7,title=x0[a]::")
    assert "not right: score 0.00%0A" in line


@pytest.mark.parametrize(
    "hostile",
    ["\n::set-env name=A::b", "\r::add-mask::x", "%0A::error::x", "##[error]x", "a,b:c::d"],
)
def test_a_model_writes_no_command(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    lines = list(annotations(run_with(hostile).checks, Path.cwd()))
    assert len(lines) == 1
    assert len(lines[0].splitlines()) == 1
    assert COMMAND.fullmatch(lines[0])
    assert "##[" not in lines[0]
    assert "%0A::error" not in lines[0].replace("%250A", "")


def test_only_so_many_annotations_as_are_shown() -> None:
    lines = list(annotations(run_with("said", 40).checks, Path.cwd()))
    assert len(lines) == MOST_ANNOTATIONS + 1
    assert lines[-1].startswith("::notice::30 more")


@given(st.text())
def test_a_summary_holds_no_markup_of_others(text: str) -> None:
    """Apart from our own tags, no character that Markdown or HTML knows is left as it was."""
    told = summary(run_with(text))
    block = told.partition("<details>")[2]
    bare = re.sub(r"</?(details|summary|code|pre)>|&#\d+;", "", block)
    assert not re.search(r"[^A-Za-z0-9 \n:]", bare), bare
    assert "\n" not in block.strip()


def test_a_summary_says_who_answered_and_what_each_arm_reached() -> None:
    told = summary(run_with("said"), "REGRESSED: @everyone [x](http://e)")
    assert "**SIMULATED** · 1 failed" in told
    assert "| <code>a</code> | 1 |" in told
    assert "@everyone" not in told
    assert "@everyone" in html.unescape(told)


def test_a_summary_is_bounded() -> None:
    told = summary(run_with("<" * 100_000, 3000))
    assert len(told.encode()) < 250_000
    assert "more are not listed" in told
    assert fits(told, 0)
    assert not fits(told, 999_999)
