"""The reasoning suite's make-up: enough items, few of a kind, each with its reasons."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "suites" / "data" / "reasoning_tiers.jsonl"
ITEMS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
Item = dict[str, Any]


def test_there_are_enough_items_of_every_kind() -> None:
    kinds = Counter(item["metadata"]["kind"] for item in ITEMS)
    assert len(ITEMS) >= 120
    assert set(kinds) == {"arithmetic", "logic", "extraction", "instruction"}
    assert min(kinds.values()) >= 20


def test_no_template_has_more_than_ten_items() -> None:
    """Many items of one mould would measure that mould."""
    assert max(Counter(item["metadata"]["template"] for item in ITEMS).values()) <= 10


def test_ids_and_inputs_are_unique() -> None:
    assert len({item["id"] for item in ITEMS}) == len(ITEMS)
    assert len({item["input"] for item in ITEMS}) == len(ITEMS)


def test_every_template_with_a_computable_target_is_known_to_the_tests() -> None:
    """A new puzzle family must come with its solver."""
    known = {
        "arithmetic": {"running_stock", "power_remainder", "clock_span", "calendar", "digit_count",
                       "letter_count", "rates_and_mixtures", "mixed_bases", "expression",
                       "counting"},
        "logic": {"knights_and_knaves", "line_order", "attribute_grid", "culprit", "syllogism",
                  "robot_walk", "shuffles", "code_lock"},
        "extraction": {"log_lookup", "table_lookup", "amended_thread", "two_of_many"},
    }  # fmt: skip
    for kind, templates in known.items():
        found = {i["metadata"]["template"] for i in ITEMS if i["metadata"]["kind"] == kind}
        assert found == templates


def test_choice_targets_are_not_all_the_same_letter() -> None:
    letters = Counter(item["target"] for item in ITEMS if item.get("choices"))
    assert max(letters.values()) <= sum(letters.values()) / 2


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["id"]))
def test_every_item_says_how_hard_it_is_and_why_its_target_is_right(item: Item) -> None:
    metadata = item["metadata"]
    assert 0 <= metadata["difficulty"] <= 1
    assert metadata["why"].endswith(".")
    assert len(metadata["why"].split()) >= 5
    plain_target = isinstance(item.get("target"), str) and metadata["kind"] != "instruction"
    assert plain_target or metadata["reference"], "no example of a right answer"


def test_the_items_reach_from_easy_to_hard() -> None:
    difficulties = [item["metadata"]["difficulty"] for item in ITEMS]
    assert sum(d <= 0.4 for d in difficulties) >= 20
    assert sum(d >= 0.65 for d in difficulties) >= 30
