import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.analysis.item_order import order_evenly, order_items
from stepeval.analysis.past import past_of

STEADY, SHAKY = [1.0] * 5, [1.0, 0.0, 1.0, 0.0, 1.0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.text(max_size=5))
def test_every_item_comes_once_and_clusters_stay_whole(clusters: list[int], seed: str) -> None:
    order = order_evenly(len(clusters), clusters, seed)
    assert sorted(order.places) == list(range(len(clusters)))
    begin = 0
    for end in order.ends:
        members = {clusters[place] for place in order.places[begin:end]}
        assert len(members) == 1
        assert end - begin == clusters.count(members.pop())
        begin = end
    assert order.whole(1) == order.ends[0]
    assert order.whole(len(clusters)) == len(clusters)


def test_a_seed_is_an_order() -> None:
    past = past_of([STEADY] * 50)
    assert order_items(past, 0.05, "a").places == order_items(past, 0.05, "a").places
    assert order_items(past, 0.05, "a").places != order_items(past, 0.05, "b").places


def test_file_order_is_forgotten() -> None:
    """Hard items that stand last in the file stand anywhere in the order."""
    place = [order_evenly(100, None, str(seed)).places.index(99) for seed in range(300)]
    assert 40 < np.mean(place) < 59


def test_telling_items_come_earlier_and_steady_ones_are_not_starved() -> None:
    past = past_of([STEADY] * 400 + [SHAKY] * 100)
    early = [
        sum(place >= 400 for place in order_items(past, 0.05, str(seed)).places[:100])
        for seed in range(40)
    ]
    assert 25 < np.mean(early) < 45  # of 100: an even share would be 20
    assert order_items(past_of([[1.0], [0.0]] * 30), 0.05, "0").pulls is None  # one run
    assert order_items(past_of([[0.2, 0.7]] * 30), 0.05, "0").pulls is None  # graded


def test_clusters_are_mixed_so_that_a_first_look_sees_many() -> None:
    clusters = [place // 10 for place in range(500)]
    past = past_of([STEADY] * 500, clusters)
    seen = {clusters[place] for place in order_items(past, 0.05, "0").places[:75]}
    assert len(seen) > 30


def test_weights_undo_the_order() -> None:
    """Over many orders the weighted mean of the first 100 is that of all, the plain one is not."""
    past = past_of([STEADY] * 400 + [SHAKY] * 100)
    plain, weighted = [], []
    for seed in range(400):
        order = order_items(past, 0.05, str(seed))
        seen = past.means[list(order.places[:100])]
        weights = order.weights(100)
        assert weights is not None
        plain.append(seen.mean())
        weighted.append(np.average(seen, weights=weights))
    assert past.means.mean() == pytest.approx(0.92)
    assert np.mean(weighted) == pytest.approx(0.92, abs=0.003)
    assert np.mean(plain) < 0.9
    assert order_items(past, 0.05, "0").weights(500) is None  # all of them
