"""Flakiness: how often repeated runs of one item agree, and which items do not."""

from collections.abc import Iterator, Sequence

from stepeval.analysis.flakiness import Flakiness
from stepeval.report import wording
from stepeval.report.tables import share_cell
from stepeval.report.text import shorten
from stepeval.report.view import Column, FlakinessView, Table, TableCell

_MOST_ITEMS = 100
_LEDE = (
    "Each item was asked several times. An item flips where some of its answers are right and "
    "others wrong."
)


def flakiness_view(flaky: Sequence[Flakiness]) -> FlakinessView | None:
    """None where no item was judged twice."""
    if not flaky:
        return None
    return FlakinessView(_LEDE, (_stability(flaky), *_flipping(flaky)))


def _stability(flaky: Sequence[Flakiness]) -> Table:
    columns = (
        Column("Arm", numeric=False),
        Column("Items"),
        Column(
            "Always the same", numeric=False, help="items whose runs are all right or all wrong"
        ),
        Column("k", help="runs of an item, drawn from those that have all"),
        Column("pass@k", numeric=False, help="items with at least one of k runs right"),
        Column("pass^k", numeric=False, help="items with all of k runs right"),
        Column("Majority of k", numeric=False, help="items that most of k runs have right"),
    )
    # What is an arm's, not a k's, stands once.
    rows = tuple(
        (
            *(_of_the_arm(one) if first else (TableCell(""),) * 3),
            TableCell(str(tries.k), _drawn_from(one) if first else ""),
            share_cell(tries.any_right),
            share_cell(tries.all_right),
            share_cell(tries.majority),
        )
        for one in flaky
        for first, tries in zip((True, *[False] * len(one.tries)), one.tries, strict=False)
    )
    return Table("Several tries", columns, rows)


def _of_the_arm(one: Flakiness) -> tuple[TableCell, ...]:
    return TableCell(one.arm), TableCell(wording.count(one.items)), share_cell(one.stable)


def _drawn_from(one: Flakiness) -> str:
    return f"of {wording.plural(one.whole, 'whole item')}" if one.whole < one.items else ""


def _flipping(flaky: Sequence[Flakiness]) -> Iterator[Table]:
    columns = (Column("Item", numeric=False), Column("Arm", numeric=False), Column("Right"))
    rows = [(one, item) for one in flaky for item in one.flipping]
    rows.sort(key=lambda pair: (-pair[1].unrest, pair[1].sample_id, pair[0].arm))
    if rows:
        shown = f", the first {_MOST_ITEMS} of {len(rows):,}" if len(rows) > _MOST_ITEMS else ""
        yield Table(
            f"Items that flip{shown}",
            columns,
            tuple(
                (
                    TableCell(shorten(item.sample_id, 80)),
                    TableCell(one.arm),
                    TableCell(f"{item.right} of {item.runs}"),
                )
                for one, item in rows[:_MOST_ITEMS]
            ),
        )
