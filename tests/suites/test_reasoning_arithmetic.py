"""Every arithmetic target of the reasoning suite, computed again from the item's parameters."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product
from math import prod
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "suites" / "data" / "reasoning_tiers.jsonl"
ITEMS = [
    item
    for item in map(json.loads, DATA.read_text("utf-8").splitlines())
    if item["metadata"]["kind"] == "arithmetic"
]
Params = dict[str, Any]


def running_stock(params: Params) -> Fraction:
    here, moved = Fraction(params["start"]), Fraction(0)
    for change, *numbers in params["steps"]:
        if change == "times":
            here *= numbers[0]
        elif change == "back_fraction":
            here += moved * Fraction(*numbers)
        elif change.startswith("in"):
            here += prod(numbers)
        else:
            moved = here * Fraction(*numbers) if change == "out_fraction" else prod(numbers)
            here -= moved
        assert here.denominator == moved.denominator == 1, "nobody counts parts of a thing"
        assert here >= 0
    return here


def power_remainder(params: Params) -> int:
    total: int = sum(base**exponent for base, exponent in params["terms"]) + params["constant"]
    return total % int(params["modulus"])


def clock_span(params: Params) -> int:
    there = timezone(timedelta(hours=params["clocks_ahead_hours"]))
    start = datetime.strptime(f"2026-03-02 {params['start']}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    end = datetime.strptime(f"2026-03-02 {params['end']}", "%Y-%m-%d %H:%M").replace(tzinfo=there)
    span = end + timedelta(days=params["days_later"]) - start
    return int(span.total_seconds()) // 60 - sum(params["stops_minutes"])


def _days(first: str, last: str) -> Iterator[date]:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        yield day
        day += timedelta(days=1)


def calendar(params: Params) -> int:
    first = params.get("first") or f"{params['from_year']}-01-01"
    days = list(_days(first, params.get("last") or f"{params['to_year']}-12-31"))
    wanted: dict[str, Callable[[date], bool]] = {
        "days_apart": lambda day: day != days[0],
        "leap_years": lambda day: (day.month, day.day) == (2, 29),
        "weekdays_between": lambda day: day.weekday() == params["weekday"],
        "working_days": lambda day: day.weekday() < 5 and str(day) not in params["holidays"],
        "thirteenths": lambda day: day.day == 13 and day.weekday() == 4,
    }
    return sum(map(wanted[params["question"]], days))


def digit_count(params: Params) -> int:
    numbers = [str(n) for n in range(params["first"], params["last"] + 1)]
    counted: dict[str, Callable[[str], int]] = {
        "occurrences": lambda n: n.count(str(params["digit"])),
        "numbers_without": lambda n: str(params["digit"]) not in n,
        "digit_sum_equals": lambda n: sum(map(int, n)) == params["sum"],
        "increasing_divisible": lambda n: (
            sorted(set(n)) == list(n) and int(n) % params["divisor"] == 0
        ),
    }
    return sum(map(counted[params["question"]], numbers))


def letter_count(params: Params) -> int:
    text = params["text"].lower()
    words = re.findall(r"[a-z']+", text)

    def occurrences(letters: str) -> int:
        return len(re.findall(f"[{letters}]", text))

    answers: dict[str, Callable[[], int]] = {
        "letter": lambda: occurrences(params["letter"]),
        "vowels": lambda: occurrences("aeiou"),
        "words_containing": lambda: sum(params["letter"] in word for word in words),
        "doubled": lambda: sum(any(a == b for a, b in pairwise(word)) for word in words),
        "difference": lambda: occurrences(params["letter"]) - occurrences(params["other"]),
    }
    return answers[params["question"]]()


def rates_and_mixtures(params: Params) -> Fraction:
    if params["question"] == "tank":
        alone = Fraction(int(params["alone_hours"]))
        inward = sum((Fraction(1, hours) for hours in params["fill_hours"]), Fraction(0))
        outward = sum((Fraction(1, hours) for hours in params["drain_hours"]), Fraction(0))
        left = 1 - alone / int(params["fill_hours"][0])
        return 60 * (alone + left / (inward - outward))
    if params["question"] == "mixture":
        percent_litres: int = sum(litres * percent for litres, percent in params["parts"])
        poured: int = sum(litres for litres, _ in params["parts"])
        return Fraction(percent_litres, int(params["wanted_percent"])) - poured
    riding = sum((Fraction(km, speed) for km, speed in params["legs"]), Fraction(0))
    distance: int = sum(km for km, _ in params["legs"])
    return distance / (riding + Fraction(int(params["rest_minutes"]), 60))


def mixed_bases(params: Params) -> int:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = 0
    for text, base, sign in params["terms"]:
        assert all(digits.index(digit) < base for digit in text)
        total += sign * sum(
            digits.index(digit) * base**place for place, digit in enumerate(reversed(text))
        )
    return total


def expression(params: Params) -> int:
    assert re.fullmatch(r"[0-9+*/%() -]+", params["expression"])
    return int(eval(params["expression"]))  # Python's ranks are the ones the item states


def counting(params: Params) -> int:
    answers: dict[str, Callable[[Params], int]] = {
        "change": _ways_to_pay,
        "paths": _paths,
        "arrangements": lambda p: sum(
            all(a != b for a, b in pairwise(letters)) for letters in set(permutations(p["word"]))
        ),
        "committee": _committees,
    }
    return answers[params["question"]](params)


def _ways_to_pay(params: Params) -> int:
    total, coins = params["total"], params["coins"]
    numbers = product(*(range(total // coin + 1) for coin in coins))
    return sum(sum(n * c for n, c in zip(each, coins, strict=True)) == total for each in numbers)


def _paths(params: Params) -> int:
    east, length = params["east"], params["east"] + params["north"]

    def open_all_the_way(steps_east: tuple[int, ...]) -> bool:
        x = y = 0
        for step in range(length):
            x, y = (x + 1, y) if step in steps_east else (x, y + 1)
            if [x, y] in params["blocked"]:
                return False
        return True

    return sum(map(open_all_the_way, combinations(range(length), east)))


def _committees(params: Params) -> int:
    women = [f"w{n}" for n in range(params["women"])]
    men = [f"m{n}" for n in range(params["men"])]
    return sum(
        sum(member in women for member in members) >= params["at_least_women"]
        and not {women[0], men[0]} <= set(members)
        for members in combinations(women + men, params["size"])
    )


SOLVERS: dict[str, Callable[[Params], int | Fraction]] = {
    solver.__name__: solver
    for solver in (
        running_stock, power_remainder, clock_span, calendar, digit_count, letter_count,
        rates_and_mixtures, mixed_bases, expression, counting,
    )
}  # fmt: skip


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["id"]))
def test_the_target_is_what_the_parameters_give(item: dict[str, Any]) -> None:
    metadata = item["metadata"]
    answer = Fraction(SOLVERS[metadata["template"]](metadata["params"]))
    rounded = "Round to one decimal place" in item["input"]
    wanted = Fraction(f"{float(answer):.1f}") if rounded else answer
    assert Fraction(item["target"]) == wanted
    assert item["target"] in metadata["why"], "the reason ends in another result"


# What the prose of an item says in other words than digits: weekdays, dates, signs, bases.
_IN_WORDS = {"days_later", "weekday", "first", "last"}
_SIGNS_AND_NAMED_BASES = {1, -1, 2, 16}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["id"]))
def test_the_text_states_the_parameters(item: dict[str, Any]) -> None:
    """Else the recomputed target would be that of another question."""
    text, params = item["input"], item["metadata"]["params"]
    numbers = set(re.findall(r"\d+", text))
    for name, value in _leaves(params):
        if isinstance(value, int) and name not in _IN_WORDS:
            untold = value == 0 or (name == "terms" and value in _SIGNS_AND_NAMED_BASES)
            assert untold or str(abs(value)) in numbers, f"{name} {value} is not told"
        elif isinstance(value, str) and name in {"text", "expression", "start", "end", "word"}:
            assert value in text
    if item["metadata"]["template"] == "calendar":
        for name in ("first", "last"):
            day = date.fromisoformat(params[name]) if name in params else None
            assert day is None or f"{day.day} {day:%B}" in text
        for holiday in map(date.fromisoformat, params.get("holidays", ())):
            assert f"{holiday.day} {holiday:%B}" in text
