"""The three tidy tables as pandas frames."""

import types
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pandas as pd

from stepeval.analysis.columns import ChunkRow, SampleRow, ScoreTableRow
from stepeval.analysis.rows import chunk_rows, sample_rows, score_rows
from stepeval.core.ports import RecordReader
from stepeval.core.record import RunInfo

_DTYPES: dict[type[Any], Any] = {
    str: pd.StringDtype(),
    int: pd.Int64Dtype(),
    float: pd.Float64Dtype(),
    bool: pd.BooleanDtype(),
}


@dataclass(frozen=True, slots=True)
class RunFrames:
    """Columns as in :mod:`stepeval.analysis.columns`; ``attrs`` of each have run_id and mode."""

    samples: pd.DataFrame
    scores: pd.DataFrame
    chunks: pd.DataFrame


def frames(reader: RecordReader) -> RunFrames:
    """Nullable dtypes throughout, so that a missing value is missing and no integer turns float."""
    info = reader.info()
    return RunFrames(
        samples=_frame(SampleRow, sample_rows(reader), info),
        scores=_frame(ScoreTableRow, score_rows(reader), info),
        chunks=_frame(ChunkRow, chunk_rows(reader), info),
    )


def _frame(row_type: type[Any], rows: Iterable[Any], info: RunInfo) -> pd.DataFrame:
    names = [column.name for column in fields(row_type)]
    values: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name, column in values.items():
            column.append(getattr(row, name))
    hints = get_type_hints(row_type)
    frame = pd.DataFrame(
        {name: pd.array(values[name], dtype=_dtype(hints[name])) for name in names}
    )
    frame.attrs = {"run_id": info.id, "mode": info.mode.value}
    return frame


def _dtype(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    return _DTYPES[str if issubclass(hint, StrEnum) else hint]
