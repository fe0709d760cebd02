"""The order of a load's requests: endless, the same every time, arms beside each other."""

from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import Message
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite
from stepeval.suite.grid import cells, endless_cells

SUITE = Suite(
    "s",
    (Provider("p", "http://127.0.0.1"),),
    (Prompt("q", (Message("user", "{{ input }}"),)),),
    tuple(Sample(str(n), f"question {n}") for n in range(5)),
    tuple(Arm(name, "p", name, "q") for name in ("a", "b", "c")),
    epochs=2,
    seed=7,
)


def test_it_begins_with_the_cells_of_an_evaluation() -> None:
    assert list(islice(endless_cells(SUITE), 30)) == list(cells(SUITE))


def test_no_cell_comes_twice() -> None:
    ids = [cell.id for cell in islice(endless_cells(SUITE), 500)]
    assert len(set(ids)) == 500


def test_all_arms_of_an_item_follow_each_other_in_an_order_that_changes() -> None:
    """What a server does at one time, it must do to all arms."""
    some = list(islice(endless_cells(SUITE), 300))
    orders = set()
    for place in range(0, 300, 3):
        item = some[place : place + 3]
        assert len({(cell.sample.key, cell.epoch) for cell in item}) == 1
        assert {cell.arm.name for cell in item} == {"a", "b", "c"}
        orders.add(tuple(cell.arm.name for cell in item))
    assert len(orders) == 6


@settings(deadline=None)
@given(st.integers(0, 200))
def test_it_can_begin_anywhere(start: int) -> None:
    expected = list(islice(endless_cells(SUITE), start, start + 5))
    assert list(islice(endless_cells(SUITE, start), 5)) == expected
