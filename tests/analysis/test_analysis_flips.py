"""Which items flipped, both ways, and what only one arm said."""

import time

from compared_rows import row, values
from hypothesis import given
from hypothesis import strategies as st

from stepeval.analysis.flips import flips, texts_of, with_texts
from stepeval.analysis.pairing import pair
from stepeval.analysis.text_difference import Side, is_cut, text_difference


def test_items_flip_both_ways_and_all_others_are_counted() -> None:
    left = [row("b", 1.0), row("a", 1.0), row("c", 0.0), row("d", 0.0), row("e", 1.0), row("f")]
    right = [row("b", 0.0), row("a", 0.5), row("c", 1.0), row("d", 0.0), row("e"), row("f", None)]
    found = flips(pair(values(left), values(right)))
    assert [flip.sample_id for flip in found.lost] == ["a", "b"]
    assert [flip.sample_id for flip in found.gained] == ["c"]
    assert (found.both_right, found.both_wrong, found.n) == (1, 1, 5)


def test_texts_are_those_of_the_flipped_answers() -> None:
    left = [row("s", 1.0, text="four"), row("t", text="five")]
    right = [row("s", 0.0, text="for", cell_id="b-s"), row("t", text="five", cell_id="b-t")]
    found = flips(pair(values(left), values(right)))
    (flip,) = found.lost
    told = with_texts(found, texts_of(left, {flip.a}), texts_of(right, {flip.b}))
    assert (told.lost[0].a_text, told.lost[0].b_text) == ("four", "for")
    assert texts_of(left, {flip.a}) == {flip.a: "four"}


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_stretches_of_a_difference_hold_both_texts(a: str, b: str) -> None:
    found = text_difference(a, b)
    assert "".join(s.text for s in found if s.side is not Side.ONLY_B) == a
    assert "".join(s.text for s in found if s.side is not Side.ONLY_A) == b


def test_words_differ_as_wholes() -> None:
    found = text_difference("It is 1160 pallets.", "It is 1240 pallets.")
    assert [(s.side.value, s.text) for s in found] == [
        ("both", "It is "),
        ("only_a", "1160"),
        ("only_b", "1240"),
        ("both", " pallets."),
    ]


def test_endless_texts_take_no_endless_time() -> None:
    start = time.process_time()
    text_difference("a b " * 500_000, "b a " * 500_000)
    text_difference("x" * 10**7, "y" * 10**7)
    assert time.process_time() - start < 20  # under a second; this only catches the quadratic
    assert is_cut("a b " * 500_000)
    assert not is_cut("a b")
