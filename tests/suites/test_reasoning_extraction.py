"""Extraction targets of the reasoning suite, looked up again in the text that the model reads."""

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "suites" / "data" / "reasoning_tiers.jsonl"
ITEMS = [
    item
    for item in map(json.loads, DATA.read_text("utf-8").splitlines())
    if item["metadata"]["kind"] == "extraction"
]
LOOKUPS = [item for item in ITEMS if item["metadata"]["template"].endswith("_lookup")]
READINGS = [item for item in ITEMS if item not in LOOKUPS]
Item = dict[str, Any]
Row = dict[str, str]


def _rows(item: Item) -> list[Row]:
    _, text = item["input"].split("\n\n")
    lines = text.splitlines()
    if item["metadata"]["template"] == "log_lookup":
        return [dict(field.split("=", 1) for field in line.split()) for line in lines]
    heading = lines[0].split(" | ")
    return [dict(zip(heading, line.split(" | "), strict=True)) for line in lines[1:]]


def _matches(row: Row, params: dict[str, Any]) -> bool:
    wanted = all(
        row[name] in (value if isinstance(value, list) else [value])
        for name, value in params["where"].items()
    )
    return wanted and all(row[name] != value for name, value in params.get("except", {}).items())


def _picked(rows: list[Row], params: dict[str, Any]) -> Row:
    places = {"first": 0, "last": -1, "least": 0, "most": -1, "second_most": -2}
    if params["pick"] == "nth":
        return rows[int(params["n"]) - 1]
    if "by" in params:
        rows = sorted(rows, key=lambda row: float(row[params["by"]]))
        values = [row[params["by"]] for row in rows]
        assert len(set(values)) == len(values), "two rows are tied"
    return rows[places[params["pick"]]]


@pytest.mark.parametrize("item", LOOKUPS, ids=lambda item: str(item["id"]))
def test_the_target_is_what_the_rows_say(item: Item) -> None:
    params = item["metadata"]["params"]
    matching = [row for row in _rows(item) if _matches(row, params)]
    assert len(matching) > 1, "there is nothing to choose from"
    assert item["target"] == _picked(matching, params)[params["field"]]


@pytest.mark.parametrize("item", LOOKUPS, ids=lambda item: str(item["id"]))
def test_the_question_names_its_conditions(item: Item) -> None:
    question = item["input"].split("\n\n")[0]
    params = item["metadata"]["params"]
    in_words = {"yes": "with a screen", "1": "more than one exit"}
    for value in [*params["where"].values(), *params.get("except", {}).values()]:
        for one in value if isinstance(value, list) else [value]:
            assert in_words.get(one, one) in question


@pytest.mark.parametrize("item", READINGS, ids=lambda item: str(item["id"]))
def test_target_and_distractors_all_stand_in_the_text(item: Item) -> None:
    """An answer that is not in the text, or a text without temptation, is no extraction."""
    targets = item["target"] if isinstance(item["target"], list) else [item["target"]]
    distractors = item["metadata"]["params"]["distractors"]
    text = item["input"].split("\n\n", 1)[1]
    assert len(distractors) >= 2
    assert not set(targets) & set(distractors)
    for phrase in [*targets, *distractors]:
        assert phrase in text
    if item["metadata"]["form"] == "includes":
        naive = " ".join(distractors).lower()
        assert not all(target.lower() in naive for target in targets)
