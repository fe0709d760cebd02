"""Puzzles of the reasoning suite about orders, grids and moves: one solution, the target."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "suites" / "data" / "reasoning_tiers.jsonl"
ITEMS = [
    item
    for item in map(json.loads, DATA.read_text("utf-8").splitlines())
    if item["metadata"]["kind"] == "logic"
]
Item = dict[str, Any]


def _of(template: str) -> pytest.MarkDecorator:
    items = [item for item in ITEMS if item["metadata"]["template"] == template]
    return pytest.mark.parametrize("item", items, ids=lambda item: str(item["id"]))


def _clue_lines(item: Item) -> list[str]:
    return [line[2:] for line in item["input"].splitlines() if line.startswith("- ")]


def _letter(item: Item, text: str) -> str:
    """The letter of a choice, which the text must list just so."""
    place = item["choices"].index(text)
    for letter, choice in zip("ABCDEFG", item["choices"], strict=False):
        assert f"{letter}) {choice}" in item["input"].splitlines()
    assert len(set(item["choices"])) == len(item["choices"])
    return "ABCDEFG"[place]


def _only(solutions: Iterator[Any]) -> Any:
    found = list(solutions)
    assert len(found) == 1, f"{len(found)} solutions"
    return found[0]


Places = Mapping[str, int]  # name -> 1, 2, ...
ORDER: dict[str, Callable[..., bool]] = {
    "before": lambda p, a, b: p[a] < p[b],
    "right_before": lambda p, a, b: p[a] + 1 == p[b],
    "neighbours": lambda p, a, b: abs(p[a] - p[b]) == 1,
    "apart": lambda p, a, b: abs(p[a] - p[b]) > 1,
    "gap": lambda p, a, b, n: abs(p[a] - p[b]) - 1 == n,
    "not_at": lambda p, a, n: p[a] != n,
    "at_end": lambda p, a: p[a] in {1, len(p)},
    "between": lambda p, a, b, c: p[b] < p[a] < p[c] or p[c] < p[a] < p[b],
}
ORDER_TEXT = {
    "shelf": {
        "before": "{0} stands somewhere to the left of {1}.",
        "right_before": "{0} stands directly to the left of {1}.",
        "neighbours": "{0} and {1} stand next to each other.",
        "apart": "{0} and {1} do not stand next to each other.",
        "gap": "The number of books between {0} and {1} is exactly {2}.",
        "not_at": "{0} is not in position {1}.",
        "at_end": "{0} stands at one end of the shelf.",
        "between": "{0} stands somewhere between {1} and {2}.",
        "ask": "Which book is in position {0}?",
    },
    "race": {
        "before": "{0} finished earlier than {1}.",
        "right_before": "{0} finished immediately before {1}.",
        "neighbours": "{0} and {1} finished in consecutive places.",
        "apart": "{0} and {1} did not finish in consecutive places.",
        "gap": "The number of runners who finished between {0} and {1} is exactly {2}.",
        "not_at": "{0} did not finish in place {1}.",
        "at_end": "{0} finished either first or last.",
        "between": "{0} finished at some point between {1} and {2}.",
        "ask": "Who finished in place {0}?",
    },
    "talks": {
        "before": "The talk on {0} comes at some time before the talk on {1}.",
        "right_before": "The talk on {0} is in the slot just before the talk on {1}.",
        "neighbours": "The talks on {0} and {1} are in adjacent slots.",
        "apart": "The talks on {0} and {1} are not in adjacent slots.",
        "gap": "The number of talks between those on {0} and {1} is exactly {2}.",
        "not_at": "The talk on {0} is not in slot {1}.",
        "at_end": "The talk on {0} opens or closes the seminar.",
        "between": "The talk on {0} is somewhere between those on {1} and {2}.",
        "ask": "What is the talk in slot {0} about?",
    },
}


@_of("line_order")
def test_one_order_fits_the_clues_and_every_clue_is_needed(item: Item) -> None:
    params = item["metadata"]["params"]
    clues, phrases = params["clues"], ORDER_TEXT[params["setting"]]
    assert _clue_lines(item) == [phrases[kind].format(*rest) for kind, *rest in clues]
    assert phrases["ask"].format(params["position"]) in item["input"]

    def orders(given: list[Any]) -> Iterator[tuple[str, ...]]:
        for order in permutations(params["names"]):
            places = {name: place for place, name in enumerate(order, 1)}
            if all(ORDER[kind](places, *rest) for kind, *rest in given):
                yield order

    assert item["target"] == _only(orders(clues))[params["position"] - 1]
    for spared in clues:
        assert len(list(orders([clue for clue in clues if clue is not spared]))) > 1


HAS = {
    "pet": "keeps the {}", "drink": "drinks {}", "instrument": "plays the {}",
    "day": "practises on {}", "job": "works as a {}", "bicycle": "rides the {} bicycle",
    "city": "comes from {}", "sport": "goes in for {}", "meal": "orders {}",
    "garden": "grows {}", "floor": "lives on the {} floor", "hobby": "does {}",
}  # fmt: skip
Owners = Mapping[tuple[str, str], str]  # (attribute, value) -> whose it is
GRID: dict[str, Callable[..., bool]] = {
    "is": lambda o, who, a, v: o[a, v] == who,
    "is_not": lambda o, who, a, v: o[a, v] != who,
    "together": lambda o, a, v, b, w: o[a, v] == o[b, w],
    "separate": lambda o, a, v, b, w: o[a, v] != o[b, w],
    "one_of": lambda o, who, a, v, other: o[a, v] in {who, other},
}
GRID_TEXT: dict[str, Callable[..., str]] = {
    "is": lambda who, a, v: f"{who} {HAS[a].format(v)}.",
    "is_not": lambda who, a, v: f"{who} is not the one who {HAS[a].format(v)}.",
    "together": lambda a, v, b, w: f"The person who {HAS[a].format(v)} also {HAS[b].format(w)}.",
    "separate": lambda a, v, b, w: (
        f"The person who {HAS[a].format(v)} is not the one who {HAS[b].format(w)}."
    ),
    "one_of": lambda who, a, v, other: f"Either {who} or {other} {HAS[a].format(v)}.",
}


@_of("attribute_grid")
def test_one_assignment_fits_the_clues(item: Item) -> None:
    params = item["metadata"]["params"]
    attributes, (asked, value) = params["attributes"], params["ask"]
    assert _clue_lines(item) == [GRID_TEXT[kind](*rest) for kind, *rest in params["clues"]]
    assert f"Who {HAS[asked].format(value)}?" in item["input"]
    for name, values in attributes.items():
        assert f"{name}: {', '.join(values)}" in item["input"].replace(name.title(), name)

    def assignments() -> Iterator[Owners]:
        for each in product(permutations(params["names"]), repeat=len(attributes)):
            owners = {
                (name, value): who
                for (name, values), people in zip(attributes.items(), each, strict=True)
                for value, who in zip(values, people, strict=True)
            }
            if all(GRID[kind](owners, *rest) for kind, *rest in params["clues"]):
                yield owners

    assert item["target"] == _letter(item, _only(assignments())[asked, value])


HEADINGS = {"north": 1j, "west": -1, "south": -1j, "east": 1}  # in the order of left turns
TURNS = {"left": 1j, "right": -1j, "around": -1}


def _flat(steps: list[Any]) -> Iterator[list[Any]]:
    for step in steps:
        if step[0] == "repeat":
            for _ in range(step[1]):
                yield from _flat(step[2])
        else:
            yield step


def _command(step: list[Any]) -> str:
    if step[0] == "repeat":
        return f"do the following {step[1]} times: {', '.join(map(_command, step[2]))}"
    fixed = {"left": "turn left", "right": "turn right", "around": "turn around"}
    moves = {"forward": "go forward {0}", "back": "go backward {0} (without turning)"}
    return fixed.get(step[0]) or moves[step[0]].format(step[1])


@_of("robot_walk")
def test_the_robot_ends_where_the_target_says(item: Item) -> None:
    params = item["metadata"]["params"]
    for number, step in enumerate(params["steps"], 1):
        command = _command(step)
        assert f"{number}. {command[0].upper()}{command[1:]}." in item["input"].splitlines()
    assert f"faces {params['facing']}." in item["input"]
    place, heading = complex(0), complex(HEADINGS[params["facing"]])
    for command, *distance in _flat(params["steps"]):
        if command in TURNS:
            heading *= TURNS[command]
        else:
            place += heading * distance[0] * (1 if command == "forward" else -1)
    facing = next(name for name, direction in HEADINGS.items() if direction == heading)
    assert item["target"] == f"{place.real:.0f},{place.imag:.0f},{facing}"


MOVES: dict[str, tuple[str, Callable[..., list[str]]]] = {
    "swap": (
        "Swap whatever is now in positions {0} and {1}.",
        lambda row, a, b: [
            row[b - 1] if n == a else row[a - 1] if n == b else thing
            for n, thing in enumerate(row, 1)
        ],
    ),
    "reverse": (
        "Reverse the order of positions {0} to {1}.",
        lambda row, a, b: [*row[: a - 1], *reversed(row[a - 1 : b]), *row[b:]],
    ),
    "rotate_right": (
        (
            "Shift everything {0} to the right; what falls off the right end comes back in "
            "at the left end, in the same order."
        ),
        lambda row, n: [row[(place - n) % len(row)] for place in range(len(row))],
    ),
    "rotate_left": (
        (
            "Shift everything {0} to the left; what falls off the left end comes back in "
            "at the right end, in the same order."
        ),
        lambda row, n: [row[(place + n) % len(row)] for place in range(len(row))],
    ),
}


@_of("shuffles")
def test_the_moves_bring_the_target_to_the_position_asked_for(item: Item) -> None:
    params = item["metadata"]["params"]
    assert f"{', '.join(params['items'][:-1])} and {params['items'][-1]}" in item["input"]
    row = params["items"]
    for number, (kind, *rest) in enumerate(params["moves"], 1):
        phrase, move = MOVES[kind]
        assert f"{number}. {phrase.format(*rest)}" in item["input"].splitlines()
        row = move(row, *rest)
    assert item["target"] == row[params["position"] - 1].split()[-1]
    question = item["input"].splitlines()[-1]
    assert str(params["position"]) in question
