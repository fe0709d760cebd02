"""What a worker reports, or why it cannot: its parent must never wait for nothing."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stepeval.api.bench import worker
from stepeval.api.bench.frames import frame, read_frame
from stepeval.api.bench.job import Pulse, Report

READY, BEATS = Report(), Report(pulse=Pulse(1))


@contextmanager
def standard_output() -> Iterator[int]:
    """The end to read from of a pipe that takes the place of standard output."""
    kept, kept_error = os.dup(1), os.dup(2)
    read, write = os.pipe()
    os.dup2(write, 1)
    os.close(write)
    try:
        yield read
    finally:
        os.dup2(kept, 1)
        os.dup2(kept_error, 2)
        for file in (kept, kept_error, read):
            os.close(file)


def everything(file: int) -> list[Report]:
    async def read() -> list[Report]:
        pipe = asyncio.StreamReader()
        pipe.feed_data(os.read(file, 1 << 16))
        pipe.feed_eof()
        found = []
        while (report := await read_frame(pipe, Report)) is not None:
            found.append(report)
        return found

    return asyncio.run(read())


def test_a_report_that_cannot_be_made_is_told_of_and_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(report: Report) -> bytes:
        if report == BEATS:
            raise ValueError("no such text")
        return frame(report)

    monkeypatch.setattr(worker, "frame", broken)
    ended: list[int] = []
    with standard_output() as file:
        reports = worker._Reports(end=ended.append)
        reports.put(READY)
        reports.put(BEATS)
        reports.close()
        said = everything(file)
    assert said == [READY, Report(error="a worker could not report: no such text")]
    assert ended == [1]


def test_reports_wait_for_whoever_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a parent that falls behind would let a worker fill the memory."""
    monkeypatch.setattr(worker, "_MOST_WAITING", 3)

    async def fill(reports: worker._Reports) -> bool:
        for _ in range(3):
            await reports.room()
            reports.put(READY)
        try:
            await asyncio.wait_for(reports.room(), 0.1)
        except TimeoutError:
            return True
        return False

    monkeypatch.setattr(worker._Reports, "_run", lambda _: None)
    with standard_output():
        reports = worker._Reports()
        assert asyncio.run(fill(reports))
        reports.close()


def test_a_worker_that_nobody_hears_ends_all_the_same() -> None:
    """Also where the last of its reports is the one that cannot be written."""
    with standard_output() as file:
        reports = worker._Reports()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, file)  # the end that reads is closed
        os.close(nothing)
        reports.put(READY)
        reports.close()
        assert not reports._thread.is_alive()
