"""The three tidy tables as pandas frames."""

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

import pandas as pd

from stepeval.analysis.columns import ChunkRow, SampleRow, ScoreTableRow
from stepeval.analysis.rows import chunk_columns, sample_maker, score_columns
from stepeval.core.ports import RecordReader
from stepeval.core.record import RunInfo

_DTYPES: dict[type[Any], Any] = {
    str: pd.StringDtype(),
    int: pd.Int64Dtype(),
    float: pd.Float64Dtype(),
    bool: pd.BooleanDtype(),
}
_BATCH = 4096
_MOST_KNOWN = 1_000  # texts of a column that later ones are compared with


@dataclass(frozen=True)
class RunFrames:
    """Columns as in :mod:`stepeval.analysis.columns`; ``attrs`` of each have run_id and mode.

    ``chunks``, by far the longest, is read when it is first asked for.
    """

    samples: pd.DataFrame
    scores: pd.DataFrame
    _read_chunks: Callable[[], pd.DataFrame] = field(repr=False)

    @cached_property
    def chunks(self) -> pd.DataFrame:
        return self._read_chunks()


def frames(reader: RecordReader) -> RunFrames:
    """Nullable dtypes throughout, so that a missing value is missing and no integer turns float."""
    info, to_rows = reader.info(), sample_maker(reader)
    samples, scores = _Table(SampleRow), _Table(ScoreTableRow)
    for record, found in reader.scored_records():
        samples.add(to_rows(record, found))
        scores.add(score_columns(info, row) for row in found)
    return RunFrames(samples.frame(info), scores.frame(info), lambda: _chunks(reader))


def _chunks(reader: RecordReader) -> pd.DataFrame:
    table = _Table(ChunkRow)
    for columns in chunk_columns(reader):
        table.add((columns,))
    return table.frame(reader.info())


class _Table:
    """Rows that soon become arrays: one object for each value would take many times the memory."""

    def __init__(self, row_type: type[Any]) -> None:
        hints = get_type_hints(row_type)
        names = [column.name for column in fields(row_type)]
        self._columns = {name: _Column(name, _dtype(hints[name])) for name in names}
        self._rows: list[dict[str, Any]] = []

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows.extend(rows)
        if len(self._rows) >= _BATCH:
            self._flush()

    def frame(self, info: RunInfo) -> pd.DataFrame:
        """The table is empty afterwards, so that no column is in memory twice."""
        self._flush()
        whole = {name: column.whole() for name, column in self._columns.items()}
        frame = pd.DataFrame(whole, copy=False)
        frame.attrs = {"run_id": info.id, "mode": info.mode.value}
        return frame

    def _flush(self) -> None:
        for column in self._columns.values():
            column.take(self._rows)
        self._rows.clear()


class _Column:
    def __init__(self, name: str, dtype: Any) -> None:
        self._get, self._dtype = itemgetter(name), dtype
        self._parts: list[Any] = []
        self._known: dict[str, str] | None = {} if isinstance(dtype, pd.StringDtype) else None

    def take(self, rows: Iterable[dict[str, Any]]) -> None:
        values = list(map(self._get, rows))
        if self._known is not None:
            values = _shared(values, self._known)
        self._parts.append(pd.Series(values, dtype=self._dtype))

    def whole(self) -> Any:
        parts, self._parts = self._parts, []
        return pd.concat(parts, ignore_index=True)


def _shared(values: list[str | None], known: dict[str, str]) -> list[str | None]:
    """Equal texts as one object: most columns have few different ones."""
    for value in set(values):
        if value is not None and len(known) < _MOST_KNOWN:
            known.setdefault(value, value)
    return [value if value is None else known.get(value, value) for value in values]


def _dtype(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    return _DTYPES[str if issubclass(hint, StrEnum) else hint]
