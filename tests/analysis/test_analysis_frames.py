"""The frames of a run on disk have what its rows say, and read each record once."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stepeval.analysis import frames as module
from stepeval.analysis.rows import chunk_rows, sample_rows, score_rows
from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    Message,
    Response,
    Timing,
    Usage,
)
from stepeval.core.record import Attempt, Mode, Record, RunInfo, Score, ScoreRow
from stepeval.core.task import (
    Arm,
    Cell,
    Price,
    Prompt,
    Provider,
    Sample,
    ScoringRule,
    Suite,
)
from stepeval.store.run import RunReader, create_run

SAID = "The order of words matters. " * 50  # long enough to be stored once
SUITE = Suite(
    "suite",
    (Provider("p", "https://host/v1"),),
    (Prompt("q", (Message("user", "{{ input }}"),)),),
    tuple(Sample(str(n), f"question {n}") for n in range(40)),
    (Arm("a", "p", "m", "q", {"temperature": 0.5}),),
    scoring=(ScoringRule("right", "exact"), ScoringRule("other", "exact")),
    prices={"m": Price("USD", 1.0, 0.5, 2.0)},
)
CHUNKS = (
    Chunk(110, 105, ChunkKind.ROLE),
    Chunk(120, 111, ChunkKind.REASONING, 0, 1, 2, 0),
    Chunk(150, 111, ChunkKind.ANSWER, 0, 3, 0, 2, True),
)
STREAMED = Response("i", "m", (Choice(0, SAID, "hm", (), "stop"), Choice(1, "four")), Usage(3, 4),
                    Timing(90, 100, 105, 130, CHUNKS))  # fmt: skip
WHOLE = replace(STREAMED, choices=(Choice(0, SAID),), timing=Timing(90, 100, 105, 130))
BROKEN = Failure(FailureKind.SERVER, "boom", 500, partial=STREAMED)


class Counting(RunReader):
    passes = 0

    def records(self) -> Iterator[Record]:
        self.passes += 1
        yield from super().records()


@pytest.fixture
def reader(tmp_path: Path) -> Counting:
    info = RunInfo("run", "suite", "hash", Mode.LIVE, 1000.0, "host", {}, "stepeval run")
    results = (STREAMED, WHOLE, BROKEN)
    cells = [Cell(f"c{n}", SUITE.arms[0], sample) for n, sample in enumerate(SUITE.samples)]
    with create_run(tmp_path, info, SUITE) as store:
        for n, cell in enumerate(cells):
            made = Attempt(1, 1.5, 100, 140, Exchange("u", "{}", results[n % 3]))
            asyncio.run(store.add_attempt(cell, made, final=True))
        store.add_scores((row for n in range(40) for row in scores(n)), store.scoring())
    return Counting(tmp_path / "run")


def scores(n: int) -> Iterator[ScoreRow]:
    if n % 3 < 2 and n % 4:  # not every answer has been judged
        yield ScoreRow(f"c{n}", 0, "right", Score("exact", n % 2, SAID, "because", {"k": [n]}))
        yield ScoreRow(f"c{n}", 0, "other", Score("exact", None, SAID[1:]))


def plainly(rows: list[Any], like: pd.DataFrame) -> pd.DataFrame:
    """A frame of whole columns, each of all its values at once."""
    columns = {
        column.name: pd.Series([getattr(row, column.name) for row in rows]).astype(
            like[column.name].dtype
        )
        for column in fields(rows[0])
    }
    return pd.DataFrame(columns)


def test_frames_have_what_the_rows_say(reader: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, too, of which the last is not full."""
    monkeypatch.setattr(module, "_BATCH", 7)
    found = module.frames(reader)
    for frame, rows in (
        (found.samples, sample_rows(reader)),
        (found.scores, score_rows(reader)),
        (found.chunks, chunk_rows(reader)),
    ):
        pd.testing.assert_frame_equal(frame, plainly(list(rows), frame), check_exact=True)
        assert frame.attrs == {"run_id": "run", "mode": "LIVE"}


def test_a_record_is_read_once_for_two_frames_and_again_only_for_chunks(reader: Counting) -> None:
    found = module.frames(reader)
    assert reader.passes == 1
    assert len(found.chunks) == len(found.chunks) == 14 * 3 + 13 * 3
    assert reader.passes == 2


def test_equal_texts_are_in_memory_once(reader: Counting) -> None:
    """Within a column; and an answer that is a record's whole text is that text."""
    texts = module.frames(reader).samples["text"]
    assert len({id(text) for text in texts.dropna().array if text == SAID}) == 1
    for record, found in reader.scored_records():
        said = record.result.choices[0].text if isinstance(record.result, Response) else None
        assert all(row.score.answer is said for row in found if row.rule == "right")
