"""The `expect` section: read, located where it is wrong, and no part of what is asked."""

from pathlib import Path

import pytest
from suite_files import MINIMAL, load_text, mistakes

from stepeval.core.task import Expectation
from stepeval.suite.places import read_places


def test_without_the_section_every_answer_is_to_be_right(tmp_path: Path) -> None:
    assert load_text(tmp_path, MINIMAL).suite.expect == Expectation(least=1.0)


def test_every_key_is_read(tmp_path: Path) -> None:
    section = (
        "expect: {items: 0.5, score: 0.8, known_failing: [a, 'b[step-3.7-flash]'], limit: 1, "
        "baseline: main, margin: 2pp, inconclusive: pass}\n"
    )
    assert load_text(tmp_path, MINIMAL + section).suite.expect == Expectation(
        0.5, 0.8, ("a", "b[step-3.7-flash]"), 1, "main", 0.02, "pass"
    )
    assert load_text(tmp_path, f"{MINIMAL}expect: {{items: answered}}\n").suite.expect.least is None


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{items: corect}", "5:17: items must be correct, answered, or a score from 0 to 1"),
        ("{items: corect}", "did you mean 'correct'?"),
        ("{items: 1.5}", "5:17: items must be"),
        ("{items: true}", "5:17: items must be"),
        ("{score: 2}", "5:17: score must be at most 1"),
        ("{limit: 0}", "5:17: limit must be at least 1"),
        ("{known_failing: [a, c]}", "5:29: 'c' is no sample"),
        ("{known_failing: ['a[b]']}", "5:26: 'a[b]' is no sample"),
        ("{baseline: m, margin: 200pp}", "5:31: margin must be points"),
        ("{margin: 2pp}", "5:10: margin is of the gate: name its baseline"),
        ("{itms: correct}", "did you mean 'items'?"),
        ("{baseline: ../x}", "5:20: baseline"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, section: str, sentence: str) -> None:
    found = "\n".join(map(str, mistakes(tmp_path, f"{MINIMAL}expect: {section}\n")))
    assert sentence in found, found


def test_places_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "r1", "input": "x"}\n\n{"input": "y"}\n')
    path = tmp_path / "suite.yaml"
    path.write_text("stepeval: 1\nname: s\ndataset:\n  file: rows.jsonl\nexpect:\n  score: 0.5\n")
    places = read_places(path)
    named = {name: (Path(p.file).name, p.line) for name, p in places.samples.items()}
    assert named["r1"] == ("rows.jsonl", 1)
    assert sorted(named.values()) == [("rows.jsonl", 1), ("rows.jsonl", 3)]
    assert (places.sample("r1").file, places.sample("r1").line) == (str(path), 3)
    assert places.expectation("score").line == 6
    path.write_text(
        MINIMAL.replace("[{", "\n  - {").replace(", {id: b", "\n  - {id: b").rstrip("]\n") + "\n"
    )
    assert [read_places(path).sample(name).line for name in ("a", "b")] == [5, 6]
