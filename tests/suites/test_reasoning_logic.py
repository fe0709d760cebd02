"""Puzzles of the reasoning suite about who lies and what follows: one solution, the target."""

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


Kinds = Mapping[str, bool]  # name -> is a knight
SAYS: dict[str, tuple[str, Callable[..., bool]]] = {
    "knight": ("{0} is a knight", lambda k, a: k[a]),
    "knave": ("{0} is a knave", lambda k, a: not k[a]),
    "same": ("{0} and {1} are of the same kind", lambda k, a, b: k[a] is k[b]),
    "differ": ("{0} and {1} are of different kinds", lambda k, a, b: k[a] is not k[b]),
    "exactly": (
        "the number of knights among us is exactly {0}",
        lambda k, n: sum(k.values()) == n,
    ),
    "at_least": (
        "the number of knights among us is at least {0}",
        lambda k, n: sum(k.values()) >= n,
    ),
    "and": ("{0} and {1}", lambda k, s, t: _holds(s, k) and _holds(t, k)),
    "or": ("{0} or {1}", lambda k, s, t: _holds(s, k) or _holds(t, k)),
    "if": ("if {0}, then {1}", lambda k, s, t: _holds(t, k) if _holds(s, k) else True),
}


def _holds(statement: list[Any], kinds: Kinds) -> bool:
    return SAYS[statement[0]][1](kinds, *statement[1:])


def _said(statement: list[Any]) -> str:
    parts = [_said(part) if isinstance(part, list) else part for part in statement[1:]]
    return SAYS[statement[0]][0].format(*parts)


@_of("knights_and_knaves")
def test_one_set_of_knights_fits_what_is_said(item: Item) -> None:
    params = item["metadata"]["params"]
    names, statements = params["names"], params["statements"]
    for name, statement in statements.items():
        said = _said(statement)
        assert f'{name} says: "{said[0].upper()}{said[1:]}."' in item["input"].splitlines()
    worlds = (
        dict(zip(names, bits, strict=True)) for bits in product((True, False), repeat=len(names))
    )
    kinds = _only(
        world
        for world in worlds
        if all(_holds(statements[name], world) is world[name] for name in names)
    )
    knights = [name for name in names if kinds[name]]
    if not item.get("choices"):
        assert item["target"] == ", ".join(sorted(knights))
        return
    shown = (
        f"Only {knights[0]}"
        if len(knights) == 1
        else f"{', '.join(knights[:-1])} and {knights[-1]}"
    )
    assert item["target"] == _letter(item, shown)


CULPRIT: dict[str, tuple[str, Callable[..., bool]]] = {
    "did": ("It was {0}.", lambda _, who, a: who == a),
    "not": ("It was not {0}.", lambda _, who, a: who != a),
    "either": ("It was {0} or {1}.", lambda _, who, a, b: who in {a, b}),
    "neither": ("It was neither {0} nor {1}.", lambda _, who, a, b: who not in {a, b}),
    "lies": ("What {0} says is false.", lambda all_, who, a: not _true(all_, all_[a], who)),
}
NUMBERS = {1: "one of the statements below is", 2: "two of the statements below are",
           4: "four of the statements below are"}  # fmt: skip


def _true(statements: Mapping[str, list[str]], statement: list[str], who: str) -> bool:
    return CULPRIT[statement[0]][1](statements, who, *statement[1:])


@_of("culprit")
def test_one_suspect_makes_the_right_number_of_statements_true(item: Item) -> None:
    params = item["metadata"]["params"]
    statements = params["statements"]
    assert f"Exactly {NUMBERS[params['true_statements']]} true" in item["input"]
    for name, (kind, *rest) in statements.items():
        assert f'{name}: "{CULPRIT[kind][0].format(*rest)}"' in item["input"].splitlines()
    culprit = _only(
        who
        for who in params["suspects"]
        if sum(_true(statements, said, who) for said in statements.values())
        == params["true_statements"]
    )
    assert item["target"] == _letter(item, culprit)


CATEGORICAL = {
    "all": "Every {0} is a {1}.", "no": "No {0} is a {1}.",
    "some": "At least one {0} is a {1}.", "some_not": "At least one {0} is not a {1}.",
}  # fmt: skip


def _sentence(form: str, subject: str, predicate: str) -> str:
    text = CATEGORICAL[form].format(subject, predicate)
    return text.replace(" a oster", " an oster")  # the only word that begins with a vowel


def _so(world: frozenset[frozenset[str]], form: str, subject: str, predicate: str) -> bool:
    """``world``: which combinations of properties occur at all."""
    both = any({subject, predicate} <= thing for thing in world)
    without = any(subject in thing and predicate not in thing for thing in world)
    return {"all": not without, "no": not both, "some": both, "some_not": without}[form]


@_of("syllogism")
@pytest.mark.parametrize("nothing_may_be_empty", [False, True])
def test_one_option_follows_from_the_premises(item: Item, nothing_may_be_empty: bool) -> None:
    """With and without the tradition that "every x" claims that there are some."""
    params = item["metadata"]["params"]
    terms = params["terms"]
    for number, premise in enumerate(params["premises"], 1):
        assert f"{number}. {_sentence(*premise)}" in item["input"].splitlines()
    things = [
        frozenset(term for term, has in zip(terms, bits, strict=True) if has)
        for bits in product((True, False), repeat=len(terms))
    ]
    possible = (
        frozenset(thing for thing, occurs in zip(things, bits, strict=True) if occurs)
        for bits in product((True, False), repeat=len(things))
    )
    worlds = [
        world
        for world in possible
        if all(_so(world, *premise) for premise in params["premises"])
        and (not nothing_may_be_empty or all(any(t in x for x in world) for t in terms))
    ]
    assert worlds, "the premises contradict each other"
    entailed = _only(
        option for option in params["options"] if all(_so(world, *option) for world in worlds)
    )
    assert item["target"] == _letter(item, _sentence(*entailed))


@_of("code_lock")
def test_one_code_gets_the_marks(item: Item) -> None:
    params = item["metadata"]["params"]
    for tried, placed, misplaced in params["tries"]:
        marks = f"{tried}: {placed} placed, {misplaced} misplaced"
        assert marks in item["input"].splitlines()

    def fits(code: str, tried: str, placed: int, misplaced: int) -> bool:
        same = sum(a == b for a, b in zip(code, tried, strict=True))
        return same == placed and sum(digit in code for digit in tried) - same == misplaced

    codes = map("".join, permutations("0123456789", params["length"]))
    assert item["target"] == _only(
        code for code in codes if all(fits(code, *each) for each in params["tries"])
    )
