import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.analysis.design import Rules, design
from stepeval.analysis.looks import Stage
from stepeval.analysis.past import Past, past_of

ROW = [[1.0] * 5, [1.0, 0.0, 1.0, 1.0, 0.0], [0.0] * 5, [1.0] * 5]


def past(items: int, clusters: list[int] | None = None) -> Past:
    return past_of([ROW[place % 4] for place in range(items)], clusters)


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 900), st.sampled_from([0.02, 0.05, 0.2]), st.sampled_from([1, 3, 50]))
def test_looks_rise_to_the_last_item_that_is_asked(items: int, margin: float, size: int) -> None:
    """However many items, whatever the margin and the clusters, and by either procedure."""
    clusters = [place // size for place in range(items)]
    for anytime in (False, True):
        found = design(past(items, clusters), Rules(margin, anytime=anytime))
        assert list(found.looks) == sorted(set(found.looks))
        assert 0 < found.looks[-1] <= items
        assert found.looks[-1] >= min(items, found.wanted)
        assert len(found.safe_bounds) == len(found.drop_bounds) == len(found.looks)
        assert found.missing == max(0, found.wanted - items)


def test_a_first_look_sees_enough_clusters() -> None:
    few = design(past(200, [place // 20 for place in range(200)]), Rules(0.05))
    assert few.looks == (200,)
    whole = design(past(600, [place // 10 for place in range(600)]), Rules(0.05, anytime=True))
    assert min(whole.looks) >= 150
    assert all(look % 10 == 0 for look in whole.looks)


def test_less_noise_and_a_wider_margin_need_fewer_items() -> None:
    one, three = (design(past(2_000), Rules(0.05, epochs=epochs)).wanted for epochs in (1, 3))
    wide = design(past(2_000), Rules(0.1)).wanted
    assert three < one
    assert wide < one / 2
    again = design(past(2_000), Rules(0.05), Stage.FRESH)
    assert again.wanted > one  # both prompts vary


def test_what_is_detectable_is_the_margin_where_items_suffice() -> None:
    found = design(past(2_000), Rules(0.05))
    assert found.detectable == pytest.approx(0.05, abs=0.003)
    short = design(past(100), Rules(0.05))
    assert short.missing > 0
    assert short.detectable > 0.08


def test_fresh_answers_come_in_another_order() -> None:
    """Items that were unlucky once are not the first to be asked again."""
    first, fresh = (design(past(300), Rules(0.05), stage) for stage in Stage)
    assert first.order.places != fresh.order.places


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan"), float("inf")])
def test_a_margin_of_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        Rules(margin)


def test_short_suites_spend_late_and_keep_their_power() -> None:
    """The last bound is near a single look's 1.70 where items lack; else it pays for early ones."""
    short, enough = design(past(200), Rules(0.05)), design(past(2_000), Rules(0.05))
    assert short.missing > 0 == enough.missing
    assert short.safe_bounds[-1] < 1.8 < enough.safe_bounds[-1]
    assert short.safe_bounds[0] > enough.safe_bounds[0]
