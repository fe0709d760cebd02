"""A history marks what was changed, and calls a difference only what is one."""

from dataclasses import replace
from itertools import pairwise
from random import Random

from checked_runs import HandMade, hand_made

from stepeval.analysis.compare import compare
from stepeval.analysis.compared_arm import compared_arms
from stepeval.analysis.history import Line, history, history_json
from stepeval.core.record import Mode
from stepeval.core.task import ScoringRule


def run(place: int, right: int, *, items: int = 60, mode: Mode = Mode.LIVE) -> HandMade:
    """Of ``items`` the first ``right`` are right."""
    made = hand_made({f"s{n}": [float(n < right)] for n in range(items)})
    info = replace(
        made.run_info,
        id=f"2026010{place}-000000-s-0a1b",
        created_at=made.run_info.created_at + place,
        mode=mode,
        git_commit=f"{place}" * 40,
    )
    return replace(made, run_info=info)


def lines(*runs: HandMade) -> tuple[Line, ...]:
    return history("s", runs).lines


def test_a_fall_is_marked_where_it_happened_and_nowhere_else() -> None:
    (line,) = lines(run(1, 55), run(2, 54), run(3, 20), run(4, 21))
    assert [bool(point.shown) for point in line.points] == [False, False, True, False]
    assert "worse" in line.points[2].shown[0]
    assert [point.changed for point in line.points] == [()] * 4
    assert [point.info.git_commit for point in line.points] == [f"{n}" * 40 for n in (1, 2, 3, 4)]


def test_what_was_changed_is_marked_though_nothing_came_of_it() -> None:
    first, second = run(1, 30), run(2, 30)
    arm = replace(second.made_suite.arms[0], params={"temperature": 0})
    rules = (ScoringRule("rule", "includes"),)
    suite = replace(second.made_suite, arms=(arm,), scoring=rules)
    (line,) = lines(first, replace(second, made_suite=suite))
    assert set(line.points[1].changed) == {"temperature: not set -> 0", "scorers"}
    assert line.points[1].shown == ()


def test_other_items_are_a_change_and_take_no_part_in_what_is_shown() -> None:
    (line,) = lines(run(1, 30, items=30), run(2, 30, items=60))
    assert line.points[1].changed == ("items (-0 +30 answers)",)
    assert line.points[1].shown == ()


def test_answers_of_different_kinds_are_never_compared() -> None:
    live, simulated = lines(run(1, 60), run(2, 0, mode=Mode.SIMULATED), run(3, 60))
    assert (live.kind, simulated.kind) == ("LIVE", "SIMULATED")
    assert [point.info.id[7] for point in live.points] == ["1", "3"]
    assert not any(point.shown for line in (live, simulated) for point in line.points)


def test_chance_alone_is_not_marked_though_the_history_is_long() -> None:
    """Each of 60 steps has its chance of a false alarm; together they have but one."""
    rng = Random(4)
    runs = []
    for place in range(61):
        made = hand_made({f"s{n}": [float(rng.random() < 0.5)] for n in range(60)})
        info = replace(made.run_info, created_at=float(place), mode=Mode.LIVE)
        runs.append(replace(made, run_info=info))
    sides = [compared_arms(run, ["a"])["a"] for run in runs]
    alone = [compare([step])[0].quality for step in pairwise(sides)]
    assert any(row is not None and row.is_shown for row in alone), "else this shows nothing"
    (line,) = lines(*runs)
    assert not any(point.shown for point in line.points)


def test_programs_get_every_number_with_its_interval() -> None:
    (arm,) = history_json(history("s", [run(1, 30)]))["arms"]
    (point,) = arm["runs"]
    assert point["score"]["n"] == 60
    assert point["score"]["low"] < 0.5 < point["score"]["high"]
    assert point["cost_total"] is None, "no price is known"
