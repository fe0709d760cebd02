"""How a run stopped is the same when it is read again, and is told in words that fit it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from load_runs import made_load_run

from stepeval.analysis.course import Course
from stepeval.analysis.design import Rules
from stepeval.analysis.gate_words import gate_sentence, notes
from stepeval.analysis.gated import Gated
from stepeval.analysis.looks import Stage
from stepeval.analysis.past import past_of
from stepeval.analysis.race import Contender, Race, RaceRules
from stepeval.analysis.race_record import Round, pick_note, read_race, round_note
from stepeval.analysis.race_words import Raced, race_notes, race_sentence
from stepeval.analysis.stopping import Stopping, course_notes, has_ended, read_stopping
from stepeval.core.baseline import Baseline
from stepeval.core.errors import StoreError
from stepeval.core.gate import GatePlan, Way
from stepeval.core.record import Mode

BASELINE = Baseline("main", "s", "h", "r", Mode.LIVE, 1.0, ("run",), None, ())
PLAN = GatePlan(Way.SEQUENTIAL, {"score": 0.05})


class Reader:
    """A run with nothing but these looks."""

    def __init__(self, notes: list[Any]) -> None:
        self._run = made_load_run()
        self._notes = tuple(json.loads(json.dumps(note)) for note in notes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def looks(self) -> tuple[Mapping[str, Any], ...]:
        return self._notes


def course(drop: float, fresh_drop: float, drift: float = 0.0, seed: int = 1) -> Course:
    """One that is driven to its end: what is asked answers with these drops."""
    chance = np.random.default_rng(seed)
    right = np.clip(chance.beta(6, 1.5, 400), 0, 1)
    past = past_of((chance.random((400, 5)) < right[:, None]).astype(float))
    found = Course(past, Rules(0.05, seed=str(seed)))
    while (batch := found.batch) is not None:
        less = drop if batch.stage is Stage.FIRST else fresh_drop
        new, old = np.array(batch.new, dtype=int), np.array(batch.old, dtype=int)
        found.tell(
            (chance.random(len(new)) < right[new] - less - drift).astype(float),
            (chance.random(len(old)) < right[old] - drift).astype(float),
        )
    return found


def told(found: Course) -> Stopping:
    reader = Reader(list(course_notes(found)))
    assert has_ended(reader)
    return read_stopping(reader)


def words(stopping: Stopping) -> str:
    assert stopping.verdict is not None
    gated = Gated(BASELINE, PLAN, stopping.verdict, (), {}, (), stopping)
    return " | ".join([gate_sentence(gated), *notes(gated)])


def test_what_was_kept_is_read_again() -> None:
    for drop, fresh in ((0.0, 0.0), (0.3, 0.3), (0.3, 0.0)):
        found = course(drop, fresh)
        stopping = told(found)
        assert found.outcome is not None
        assert stopping.looks == found.outcome.looks
        assert stopping.canary == found.canary
        assert stopping.verdict is found.outcome.verdict


def test_a_safe_stop_says_after_how_many_items_and_its_repeated_interval() -> None:
    said = words(told(course(-0.05, 0.0)))
    assert said.startswith("SAFE against baseline main: score is not worse by 5pp, shown after ")
    assert "repeated interval" in said
    assert "canary: the baseline's own prompt, asked again on " in said


def test_a_confirmed_drop_says_what_confirmed_it() -> None:
    said = words(told(course(0.3, 0.3)))
    assert said.startswith("REGRESSED against baseline main: a drop was seen after ")
    assert "so both prompts were asked anew; the fresh answers confirm it after " in said


def test_a_drop_that_fresh_answers_do_not_show_is_a_stale_baseline() -> None:
    said = words(told(course(0.3, -0.05)))
    assert said.startswith("INCONCLUSIVE")
    assert "the fresh answers do not show it, so make the baseline anew" in said


def test_drift_is_said() -> None:
    stopping = told(course(0.0, 0.0, drift=0.6))
    assert stopping.has_drifted
    assert "the service has drifted since the baseline" in words(stopping)


def test_a_run_under_way_has_no_verdict() -> None:
    found = course(0.0, 0.0)
    begun = list(course_notes(found))[:2]
    reader = Reader(begun)
    assert not has_ended(reader)
    stopping = read_stopping(reader)
    assert stopping.verdict is None
    gated = Gated(BASELINE, PLAN, None, (), {}, (), stopping)
    assert gate_sentence(gated).startswith("NO VERDICT yet against baseline main")


@pytest.mark.parametrize(
    "note", [{"look": {}}, {"verdict": "perhaps"}, {"canary": {"n": 1}}, {"other": 1}, {"look": 3}]
)
def test_looks_that_no_procedure_wrote_are_refused(note: Any) -> None:
    with pytest.raises(StoreError, match="its looks cannot be read"):
        read_stopping(Reader([note]))


def raced(means: Mapping[str, float], margin: float, items: int = 200) -> Raced:
    chance = np.random.default_rng(2)
    race = Race([Contender(name, name) for name in means], items, RaceRules(margin))
    noted, asked = [], 0
    while (heat := race.heat) is not None:
        before, asked = len(race.drops), asked + len(heat.places)
        scores = {a: (chance.random(len(heat.places)) < means[a]).astype(float) for a in heat.live}
        race.tell(scores, {a: np.full(len(heat.places), 1.0 + len(a)) for a in heat.live})
        so_far = {arm: float(values.mean()) for arm, values in scores.items()}
        noted.append(round_note(Round(asked, so_far, tuple(race.drops[before:]))))
    assert race.pick is not None
    reader = Reader([*noted, pick_note(race.pick)])
    assert has_ended(reader)
    found = read_race(reader)
    assert found.pick == race.pick
    assert [drop for each in found.rounds for drop in each.drops] == race.drops
    return Raced(margin, found)


def test_a_race_says_who_left_and_why() -> None:
    found = raced({"low": 0.3, "medium": 0.95}, 0.05)
    assert race_sentence(found).startswith("PICK medium: the cheapest arm not shown worse")
    left, *_ = race_notes(found)
    assert left.startswith("low left after ")
    assert "shown worse by more than the margin" in left


def test_a_margin_that_cannot_be_told_is_said_so() -> None:
    said = " ".join(race_notes(raced({"low": 0.80, "medium": 0.81}, 0.01, items=60)))
    assert "still in the race at its end: medium" in said
    assert "a difference of 1 points cannot be told on 60 items" in said


def test_a_race_that_is_none_is_refused() -> None:
    with pytest.raises(StoreError, match="its rounds cannot be read"):
        read_race(Reader([{"pick": {"arm": 1}}]))
    assert race_sentence(Raced(0.05, replace(raced({"a": 0.2, "b": 0.9}, 0.05).race, pick=None)))
