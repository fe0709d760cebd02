"""Rows as CSV and JSON Lines, streamed."""

import csv
import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TextIO

from stepeval.analysis.columns import SampleRow

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(
    rows: Iterable[Any], file: TextIO, *, raw: bool = False, row_type: type[Any] = SampleRow
) -> int:
    """``rows`` of ``row_type`` under a line of its columns; returns how many. None is empty.

    A text that a spreadsheet would take for a formula gets a ``'`` in front, unless ``raw``;
    numbers stay numbers. ``file`` must be opened with ``newline=""``.
    """
    writer = csv.writer(file)
    names = [column.name for column in fields(row_type)]
    writer.writerow(names)
    count = 0
    for row in rows:
        cells = [_writable(getattr(row, name)) for name in names]
        writer.writerow(cells if raw else map(_harmless, cells))
        count += 1
    return count


def write_jsonl(rows: Iterable[Any], file: TextIO) -> int:
    """One JSON object a line, with every column; returns how many. None is null."""
    count = 0
    for row in rows:
        data = {column.name: getattr(row, column.name) for column in fields(row)}
        file.write(json.dumps(data) + "\n")
        count += 1
    return count


def _writable(cell: Any) -> Any:
    """A lone surrogate, which a model may write, has no UTF-8."""
    return cell.encode("utf-8", "backslashreplace").decode() if isinstance(cell, str) else cell


def _harmless(cell: Any) -> Any:
    """Spreadsheets skip leading blanks before they look for a formula."""
    if not isinstance(cell, str):
        return cell
    if cell.startswith(_STARTS_FORMULA) or cell.lstrip().startswith(_STARTS_FORMULA):
        return "'" + cell
    return cell
