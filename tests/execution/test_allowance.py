"""What is allowed: cut once, held, and tried for again in steps that have to prove themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.execution.allowance import Allowance


def grown(allowance: Allowance, start: int, seconds: int) -> list[float]:
    levels = []
    for now in range(start, start + seconds):
        allowance.grow(now)
        levels.append(allowance.level)
    return levels


def test_the_first_refusal_sets_the_level_to_what_was_in_use() -> None:
    allowance = Allowance(math.inf, math.inf, proof_s=60)
    allowance.cut(400, 10, factor=0.9, hold_s=30)
    assert allowance.level == 400


def test_it_holds_before_it_tries_for_more_and_then_by_little() -> None:
    allowance = Allowance(math.inf, math.inf, proof_s=60)
    allowance.cut(400, 0, factor=0.9, hold_s=30)
    assert set(grown(allowance, 0, 30)) == {400}
    assert allowance.grow(60)
    assert 400 < allowance.level <= 420


def test_a_step_too_far_goes_back_to_what_had_held_and_holds_longer() -> None:
    allowance = Allowance(math.inf, math.inf, proof_s=60)
    allowance.cut(400, 0, factor=0.9, hold_s=30)
    assert allowance.grow(60)
    allowance.cut(401, 61, factor=0.9, hold_s=30)
    assert allowance.level == 400
    assert set(grown(allowance, 61, 60)) == {400}


def test_a_level_that_had_held_is_cut_by_the_factor() -> None:
    allowance = Allowance(100, 100, proof_s=60)
    allowance.cut(100, 500, factor=0.5, hold_s=30)
    assert allowance.level == 95  # what the account was said to have is not given up at once
    allowance.cut(95, 700, factor=0.5, hold_s=30)
    assert allowance.level == 47


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 60), st.floats(0, 500)), max_size=80))
def test_it_never_leaves_its_bounds(steps: list[tuple[bool, float, float]]) -> None:
    allowance, now = Allowance(8, 64, proof_s=3), 0.0
    for refused, gap, used in steps:
        now += gap
        if refused:
            before = allowance.level
            allowance.cut(used, now, factor=0.9, hold_s=10)
            assert allowance.level <= before
        else:
            allowance.grow(now)
        assert 1 <= allowance.level <= 64


def test_a_server_that_names_its_limit_bounds_it() -> None:
    allowance = Allowance(math.inf, math.inf, proof_s=60)
    allowance.bound(500)
    assert allowance.level == allowance.most == pytest.approx(500)
