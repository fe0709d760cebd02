"""The page about scorers is true: its examples run, and it leaves no option out."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from stepeval.scorers.choice import MultipleChoice
from stepeval.scorers.numeric import Numeric
from stepeval.scorers.pattern import Regex
from stepeval.scorers.structured import JsonEquals, JsonSchema, JsonValid
from stepeval.scorers.text import EndsWith, Exact, Includes, Length, StartsWith

PAGE = (Path(__file__).parents[2] / "docs" / "scorers.md").read_text("utf-8")
SECTIONS = {
    part.split("\n", 1)[0].strip(): part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
}
SCORERS: dict[str, Any] = {
    "exact": Exact,
    "includes": Includes,
    "starts_with": StartsWith,
    "ends_with": EndsWith,
    "length": Length,
    "regex": Regex,
    "numeric": Numeric,
    "choice": MultipleChoice,
    "json_valid": JsonValid,
    "json_schema": JsonSchema,
    "json_equals": JsonEquals,
}


def documented(section: str) -> dict[str, str]:
    """Option to default, as the section's table has them."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))


def test_every_scorer_has_a_section_and_every_section_a_scorer() -> None:
    assert set(SECTIONS) == {*SCORERS, "Your own"}


@pytest.mark.parametrize("name", SCORERS)
def test_every_option_is_documented_with_its_default(name: str) -> None:
    rows = documented(SECTIONS[name])
    assert set(rows) == {field.name for field in fields(SCORERS[name])}
    for field in fields(SCORERS[name]):
        shown = rows[field.name].strip("` ")
        if field.default is MISSING:
            assert shown == "required"
        elif isinstance(field.default, bool):
            assert shown == str(field.default).lower()
        elif isinstance(field.default, float | int):
            assert float(shown) == field.default
        elif field.default is None:
            assert shown in {"the target", "none"}
        elif field.name == "fields":
            assert (shown, field.default) == ("all", ())
        elif field.name == "letters":
            assert shown == f"{field.default[0]}` to `{field.default[-1]}"
        else:
            assert shown == field.default


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_says_what_it_cannot_judge_and_shows_an_example(name: str) -> None:
    assert "**It cannot**" in SECTIONS[name]
    assert "```python" in SECTIONS[name]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == len(SCORERS) + 2
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/scorers.md", "exec"), names)  # the page's own text


def test_every_link_within_the_page_leads_somewhere() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in SECTIONS}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
