"""Tables of figures that fit the window. A cut figure is a wrong figure: whole columns go."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Column: TypeAlias = tuple[str, Literal["left", "right"]]

GAP, EDGES = 3, 2  # characters that rich puts between columns, and around them all
_NARROWEST = 100  # characters; a table in a log file is not bound by a window


def print_fitted(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    least_needed_first: Sequence[int],
    note: str,
) -> None:
    """Then ``note``, and the names of the columns that a wider window would show."""
    to = console()
    shown = columns_that_fit(columns, rows, least_needed_first, to.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place in shown:
        table.add_column(columns[place][0], justify=columns[place][1], no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[place]) for place in shown))
    to.print(table)
    click.echo(note)
    left_out = [name for place, (name, _) in enumerate(columns) if place not in shown]
    if left_out:
        click.echo(f"a wider window also shows: {', '.join(left_out)}")


def columns_that_fit(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    least_needed_first: Sequence[int],
    width: int,
) -> list[int]:
    """Places of the columns that are shown."""
    shown = list(range(len(columns)))
    for place in least_needed_first:
        widths = [max(len(columns[n][0]), *(len(row[n]) for row in rows), 0) for n in shown]
        if sum(widths) + GAP * (len(shown) - 1) + EDGES <= width:
            break
        shown.remove(place)
    return shown


def console() -> Console:
    found = Console()
    if found.width < _NARROWEST and not found.is_terminal:
        return Console(width=160)
    return found
