"""The bar for rate limits, on one seed: no limit, however it is counted, is far from its ideal."""

import pytest

from benchmarks.limits import Tried, markdown, trials
from stepeval.simulator.quota import Counting


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    return list(trials(seeds=1))


def test_each_limit_is_tried_in_each_way(tried: list[Tried]) -> None:
    assert len({(one.scene, one.counting, one.charge) for one in tried}) == 24
    assert {one.counting for one in tried} == set(Counting)
    assert markdown(tried).count("\n") == 25


def test_hidden_limits_are_used_to_the_full_with_few_refusals(tried: list[Tried]) -> None:
    assert {
        f"{one}" for one in tried if one.hidden.time > 1.08 or one.hidden.most_refused >= 1
    } == set()


def test_known_limits_are_used_to_the_full_with_hardly_a_refusal(tried: list[Tried]) -> None:
    steady = [one for one in tried if "halved" not in one.scene]
    assert {
        f"{one}" for one in steady if one.known.time > 1.08 or one.known.most_refused > 0.2
    } == set()
