"""Arms meet on content: order, position and id alone decide nothing, and none is lost unseen."""

import random

import numpy as np
from compared_rows import row, sample_of, values
from hypothesis import given
from hypothesis import strategies as st

from stepeval.analysis.pairing import pair

SAMPLES = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=8)


def test_answers_meet_on_the_content_of_their_samples_in_whatever_order_they_came() -> None:
    names = [f"s{n}" for n in range(20)]
    left = [row(name, float(n % 2)) for n, name in enumerate(names)]
    right = [row(name, float(n % 3 == 0)) for n, name in enumerate(names)]
    random.Random(3).shuffle(right)
    pairs = pair(values(left), values(right))
    a, b = pairs.column("correct")
    assert a.tolist() == [n % 2 for n in range(20)]
    assert b.tolist() == [n % 3 == 0 for n in range(20)]


@given(SAMPLES, SAMPLES)
def test_every_answer_is_paired_or_counted_as_alone(left: list[str], right: list[str]) -> None:
    a, b = (values([row(name) for name in names]) for names in (left, right))
    pairs, turned = pair(a, b), pair(b, a)
    assert len(pairs.keys) + pairs.only_a == len(left)
    assert len(pairs.keys) + pairs.only_b == len(right)
    assert set(pairs.keys) == set(turned.keys)
    assert (pairs.only_a, pairs.only_b) == (turned.only_b, turned.only_a)
    assert pairs.items == len(set(left) & set(right))


def test_a_sample_whose_content_changed_is_another_item() -> None:
    left = values([row("same"), row("edited", sample_key="before"), row("gone")])
    right = values([row("same"), row("edited", sample_key="after"), row("new")])
    pairs = pair(left, right)
    assert [key[0] for key in pairs.keys] == [sample_of("same").key]
    assert (pairs.only_a, pairs.only_b, pairs.changed) == (2, 2, 1)


def test_a_failed_request_is_paired_and_in_no_number() -> None:
    pairs = pair(values([row("s"), row("t")]), values([row("s", None), row("t")]))
    assert pairs.items == 2
    (both,) = pairs.both("score")
    assert len(both) == 1
    (lost,) = pairs.both("lost")
    assert len(lost) == 1


def test_epochs_meet_epoch_by_epoch_and_an_item_counts_once() -> None:
    left = [row("s", 1.0, epoch=0), row("s", 0.0, epoch=1), row("t", 1.0)]
    right = [row("s", 1.0, epoch=1), row("s", 1.0, epoch=0), row("s", 1.0, epoch=2), row("t", 0.0)]
    pairs = pair(values(left), values(right))
    assert (len(pairs.keys), pairs.items, pairs.only_b) == (3, 2, 1)
    means = pairs.item_means("score")
    assert (means.a.tolist(), means.b.tolist()) == ([0.5, 1.0], [1.0, 0.0])
    (both,) = pairs.both("score")
    assert both.clusters is not None
    assert len(set(both.clusters)) == 2


def test_a_requests_cost_counts_once_whatever_its_choices() -> None:
    rows = [row("s", 1.0, choice=n, original_cost=0.5, e2e_ms=10.0) for n in range(3)]
    pairs = pair(values(rows), values(rows))
    (cost,) = pairs.both("cost")
    assert cost.a.tolist() == [0.5]
    assert len(pairs.both("score")[0]) == 3


def test_clusters_hold_their_samples_together_and_others_apart() -> None:
    rows = [row(name) for name in "abc"]
    pairs = pair(
        values(rows),
        values(rows),
        {sample_of("a").key: "x", sample_of("b").key: "x", sample_of("z").key: "y"},
    )
    means = pairs.item_means("score")
    assert means.clusters is not None
    assert len(set(means.clusters)) == 2
    assert sample_of("z").key not in pairs.clusters


def test_nothing_in_common_is_no_error() -> None:
    pairs = pair(values([row("s")]), values([row("t")]))
    assert pairs.keys == ()
    assert len(pairs.both("score")[0]) == 0
    assert np.isfinite(pairs.item_means("score").a).all()


def test_other_arms_of_the_run_are_left_out() -> None:
    assert len(values([row("s"), row("s", arm="b")]).rows) == 1
