"""The whole way of a gate that may stop early, on made-up answers whose truth is known."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.gate_trials import MARGIN, tally
from benchmarks.worlds import World, runs
from stepeval.analysis.course import Course
from stepeval.analysis.design import Rules, design
from stepeval.analysis.gate import Verdict
from stepeval.analysis.looks import Decision, Stage
from stepeval.analysis.past import Past, past_of

WORLD = World()
Answers = Callable[[tuple[int, ...]], np.ndarray]


def baseline(seed: int = 0, repeats: int = 5, world: World = WORLD) -> tuple[np.ndarray, Past]:
    chance = np.random.default_rng(seed)
    chances = world.chances(chance)
    return chances, past_of(runs(chances, repeats, chance), world.clusters)


def answering(chances: np.ndarray, seed: int) -> Answers:
    """One run an item, the same whenever the same items are asked in the same order."""
    chance = np.random.default_rng(seed)
    return lambda places: runs(chances[list(places)], 1, chance)[:, 0]


def drive(course: Course, new: Answers, old: Answers) -> Course:
    while (batch := course.batch) is not None:
        course.tell(new(batch.new), old(batch.old))
    return course


def test_an_unchanged_prompt_is_safe_before_the_end() -> None:
    chances, past = baseline()
    course = drive(Course(past, Rules(MARGIN)), answering(chances, 1), answering(chances, 2))
    assert course.outcome is not None
    assert course.outcome.verdict is Verdict.SAFE
    last = course.outcome.looks[-1]
    assert last.items < 300
    assert last.low is not None
    assert last.low > -MARGIN
    assert not course.outcome.confirmed


def test_a_drop_is_confirmed_by_fresh_answers_of_both() -> None:
    chances, past = baseline()
    worse = WORLD.worse(chances, 0.15)
    course = drive(Course(past, Rules(MARGIN)), answering(worse, 1), answering(chances, 2))
    assert course.outcome is not None
    assert course.outcome.verdict is Verdict.REGRESSED
    first = [look for look in course.looks if look.stage is Stage.FIRST]
    assert first[-1].decision is Decision.CONFIRM
    assert course.looks[-1].decision is Decision.REGRESSED
    assert course.outcome.confirmed


def test_an_unlucky_baseline_is_no_regression() -> None:
    """The recorded runs were lucky by 20 points: fresh answers of both prompts do not differ."""
    chances, _ = baseline()
    lucky = past_of(runs(np.clip(chances + 0.2, 0, 1), 5, np.random.default_rng(9)))
    rules = Rules(MARGIN, canary=0)
    course = drive(Course(lucky, rules), answering(chances, 1), answering(chances, 2))
    assert course.outcome is not None
    assert course.outcome.confirmed
    assert course.outcome.verdict is Verdict.INCONCLUSIVE


def test_a_drifted_service_is_compared_with_itself_alone() -> None:
    """The canary fails, recorded answers are not looked at again, and safe is still possible."""
    chances, past = baseline()
    fallen = WORLD.worse(chances, 0.6)
    course = Course(past, Rules(MARGIN, canary=20))
    drive(course, answering(fallen, 1), answering(fallen, 2))
    assert course.has_drifted
    assert {look.stage for look in course.looks} == {Stage.FRESH}
    assert course.outcome is not None
    assert course.outcome.verdict is Verdict.SAFE


def test_a_killed_run_stands_where_it_stood() -> None:
    """Told again what it had been told, a course asks the same next and ends the same."""
    chances, past = baseline()
    worse = WORLD.worse(chances, 0.05)
    new, old = answering(worse, 1), answering(chances, 2)
    told, whole = [], Course(past, Rules(MARGIN, seed="run-7"))
    while (batch := whole.batch) is not None:
        told.append((batch, new(batch.new), old(batch.old)))
        whole.tell(*told[-1][1:])
    for cut in range(len(told)):
        again = Course(past, Rules(MARGIN, seed="run-7"))
        for batch, *scores in told[:cut]:
            assert again.batch == batch
            again.tell(*scores)
        assert again.batch == told[cut][0]
    assert len(told) > 2


@pytest.mark.parametrize(("every", "verdict"), [(40, Verdict.SAFE), (3, Verdict.INCONCLUSIVE)])
def test_answers_that_failed_are_missing_and_not_wrong(every: int, verdict: Verdict) -> None:
    """Nor are they right: where more fail than the margin allows, nothing is shown safe."""
    chances, past = baseline()
    answers = answering(chances, 1)

    def some(places: tuple[int, ...]) -> np.ndarray:
        return np.where(np.arange(len(places)) % every == 0, np.nan, answers(places))

    course = drive(Course(past, Rules(MARGIN)), some, answering(chances, 2))
    assert course.outcome is not None
    assert course.outcome.verdict is verdict
    look = course.looks[0]
    assert look.n == look.items - -(-look.items // every)


def test_no_answer_at_all_decides_nothing() -> None:
    _, past = baseline()

    def silent(places: tuple[int, ...]) -> np.ndarray:
        return np.full(len(places), math.nan)

    for anytime in (False, True):
        course = drive(Course(past, Rules(MARGIN, anytime=anytime)), silent, silent)
        assert course.outcome is not None
        assert course.outcome.verdict is Verdict.INCONCLUSIVE
        assert course.looks[-1].n == 0


def test_other_scores_than_asked_for_are_refused() -> None:
    _, past = baseline()
    course = Course(past, Rules(MARGIN))
    with pytest.raises(ValueError, match="scores were asked for"):
        course.tell([1.0, 0.0])


def test_a_small_suite_says_what_it_cannot_see() -> None:
    _, past = baseline(world=World(items=60))
    found = design(past, Rules(0.02))
    assert found.looks == (60,)
    assert found.missing > 1_000
    assert found.detectable > 0.05
    enough = design(baseline()[1], Rules(MARGIN))
    assert enough.missing == 0
    assert enough.detectable < 0.06


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("anytime", [False, True])
def test_a_verdict_is_wrong_no_more_often_than_it_says(*, clustered: bool, anytime: bool) -> None:
    """Of 150 prompts worse by the whole margin, at most 5% and three standard errors are safe."""
    rules = Rules(MARGIN, anytime=anytime)
    found = tally(replace(WORLD, has_clusters=clustered), MARGIN, 150, rules=rules)
    assert found.safe <= 0.05 + 0.054
    assert found.covered >= 0.9


def test_epochs_are_one_value_an_item() -> None:
    rules = Rules(MARGIN, epochs=4)
    same, worse = (tally(WORLD, drop, 60, rules=rules) for drop in (0.0, 2 * MARGIN))
    assert same.safe >= 0.9
    assert worse.regressed >= 0.95
