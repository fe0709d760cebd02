"""The latency suite's prompts have the sizes they claim, and cannot warm each other's cache."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "suites" / "data" / "cost_latency.jsonl"
ITEMS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
WORDS = {"short": (5, 60), "medium": (500, 1000), "long": (2000, 3000)}
LONGEST_COMMON_START = 500  # characters; well below the 256 tokens from which prompts are cached
Item = dict[str, Any]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["id"]))
def test_a_prompt_is_as_long_as_it_says(item: Item) -> None:
    low, high = WORDS[item["metadata"]["size"]]
    assert low <= len(item["input"].split()) <= high


def test_every_size_meets_every_output() -> None:
    cells = Counter((item["metadata"]["size"], item["metadata"]["output"]) for item in ITEMS)
    assert set(cells) == {(size, output) for size in WORDS for output in ("short", "long")}
    assert min(cells.values()) >= 2
    assert len({item["id"] for item in ITEMS}) == len(ITEMS)


def test_no_two_prompts_share_a_start_that_a_cache_would_keep() -> None:
    for one, other in combinations([item["input"] for item in ITEMS], 2):
        assert one[:LONGEST_COMMON_START] != other[:LONGEST_COMMON_START]


def _looked_up(item: Item) -> str:
    metadata, text = item["metadata"], item["input"]
    place = (
        rf"Bay {metadata['bay']}: (\d+) "
        if "bay" in metadata
        else rf" {metadata['vessel']} went \w+ with (\d+) tons"
    )
    found = re.findall(place, text)
    assert len(found) == 1
    return str(found[0])


def test_short_targets_stand_in_the_text() -> None:
    looked_up = [item for item in ITEMS if {"bay", "vessel"} & set(item["metadata"])]
    assert len(looked_up) == 4
    for item in looked_up:
        assert item["target"] == _looked_up(item)


def _rewritten(item: Item) -> list[str]:
    text = item["input"]
    bays = re.findall(r"^Bay (\w+): (\d+) ([^,]+),", text, re.MULTILINE)
    if bays:
        return [" | ".join(bay) for bay in bays]
    entries = re.findall(r"^Entry (\d+), .*? The (.*?) went \w+ with (.*?)\. ", text, re.MULTILINE)
    kinds = "barge|tug|lighter|narrowboat|launch|dredger|ferry|sailing smack"
    return [f"{n}. {re.sub(rf'^({kinds}) ', '', name)}: {load}" for n, name, load in entries]


def test_long_references_are_what_the_task_asks_for() -> None:
    for item in ITEMS:
        metadata = item["metadata"]
        if metadata["output"] == "long" and metadata["size"] != "short":
            assert metadata["reference"].splitlines() == _rewritten(item)
        if metadata["output"] == "long":
            assert item["target"] == metadata["reference"].splitlines()[-1]
            assert len(metadata["reference"].splitlines()) >= 60


def test_tables_from_nothing_are_right() -> None:
    products, squares = (
        item["metadata"]["reference"].splitlines()
        for item in ITEMS
        if item["id"].startswith("short-in-long-out")
    )
    assert products == [f"17 x {n} = {n * 17}" for n in range(1, 61)]
    parity = {0: "even", 1: "odd"}
    assert squares == [f"{n}: {n**2} ({parity[n % 2]})" for n in range(1, 61)]
