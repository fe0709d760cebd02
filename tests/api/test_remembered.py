"""Which recorded answer a cell gets, and what is said of those nobody asked for."""

import json
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepeval.api.remembered import Addresses, Recorder, Replay
from stepeval.core.chat import Failure, FailureKind, Message, Piece, Request, Response, Taped, Wire
from stepeval.core.record import CassetteInfo, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Provider, Sample
from stepeval.execution.gate import Shut
from stepeval.store.cassette import Cassette, Slot
from stepeval.store.cassette_entry import Entry, write_entry
from stepeval.store.recording import Recording

INFO = CassetteInfo("small.cassette", "0" * 64, Mode.LIVE, 1.0, "hash")
PROVIDER = Provider("p", "https://h/v1")
URL = "https://h/v1/chat/completions"
REQUEST = Request("p", "m", (Message("user", "hi"),), {"temperature": 0.5})
BODY: dict[str, Any] = {
    "temperature": 0.5,
    "messages": [{"role": "user", "content": "hi"}],
    "model": "m",
}


def cell(name: str, epoch: int = 0) -> Cell:
    return Cell(name, Arm("a", "p", "m", "q"), Sample("s", "hi"), epoch)


def entry(cell: str, attempt: int = 1, *, epoch: int = 0, status: int = 200) -> Entry:
    said = f'{{"id":"{cell}","choices":[{{"message":{{"content":"42"}}}}]}}'
    headers = {"content-type": "application/json"}
    wire = Wire(sent=True, status=status, headers=headers, headers_ns=1,
                pieces=(Piece(2, 1, said.encode()),))  # fmt: skip
    return Entry(URL, BODY, epoch, cell, attempt, wire)


def replay(*entries: Entry, suite_hash: str = "hash", whole: bool = True) -> Replay:
    slots = tuple(Slot(each.asked, each.cell, write_entry(each)) for each in entries)
    addresses = Addresses([PROVIDER])
    return Replay(Cassette(INFO, slots), addresses, suite_hash=suite_hash, whole=whole)


def told(memory: Replay, cell: Cell, request: Request = REQUEST) -> str:
    result = memory.recall(cell, request).result
    return str(result.id) if isinstance(result, Response) else result.kind.value


def test_a_cell_gets_its_own_answer_where_it_is_there() -> None:
    """Two samples may read alike and yet be scored apart."""
    memory = replay(entry("a"), entry("b"))
    assert [told(memory, cell("b")), told(memory, cell("a"))] == ["b", "a"]


def test_a_cell_whose_name_has_changed_gets_an_answer_to_its_request() -> None:
    """Its target was corrected, say: the request is still the same."""
    memory = replay(entry("a"), entry("b"))
    assert [told(memory, cell("x")), told(memory, cell("y"))] == ["a", "b"]


def test_attempts_come_in_their_order_and_stay_with_their_cell() -> None:
    memory = replay(entry("a", 1, status=500), entry("a", 2), entry("b"))
    assert [told(memory, cell("a")), told(memory, cell("b")), told(memory, cell("a"))] == [
        "server",
        "b",
        "a",
    ]


def test_epochs_are_answers_of_their_own() -> None:
    memory = replay(entry("a"), entry("b", epoch=1))
    assert told(memory, cell("x", epoch=1)) == "b"
    with pytest.raises(Shut):
        told(memory, cell("y", epoch=1))
    assert told(memory, cell("z")) == "a"


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, params={"temperature": 0.6}),
        replace(REQUEST, params={}),
        replace(REQUEST, model="n"),
        replace(REQUEST, messages=(Message("user", "hello"),)),
    ],
)
def test_another_request_ends_the_run_and_is_named(request_: Request) -> None:
    memory = replay(entry("a"))
    with pytest.raises(Shut, match=r"arm 'a', sample 's', epoch 0.*--record"):
        told(memory, cell("a"), request_)


def test_a_request_more_than_recorded_ends_the_run() -> None:
    memory = replay(entry("a", status=500))
    assert told(memory, cell("a")) == "server"
    with pytest.raises(Shut):
        told(memory, cell("a"))


def test_what_was_not_used_is_counted_and_told() -> None:
    memory = replay(entry("a"), entry("b"), entry("c", 1, status=500), entry("c", 2))
    told(memory, cell("a"))
    told(memory, cell("c"))
    assert "2 of 4 entries" in memory.ended(set(), complete=True)[0]
    assert memory.ended(set(), complete=False) == ()
    assert replay(entry("a"), whole=False).ended(set(), complete=True) == ()


def test_a_suite_that_has_changed_is_told() -> None:
    assert replay(entry("a")).warnings() == ()
    assert "not as it was" in replay(entry("a"), suite_hash="other").warnings()[0]


def test_times_are_the_recorded_ones() -> None:
    result = replay(entry("a")).recall(cell("a"), REQUEST).result
    assert not isinstance(result, Failure)
    timing = result.timing
    assert timing.sent_ns is not None
    assert (timing.headers_ns, timing.done_ns) == (timing.sent_ns + 1, timing.sent_ns + 2)
    assert timing.scheduled_ns is None


def test_a_recording_that_cannot_be_written_lets_nothing_more_be_paid_for(tmp_path: Path) -> None:
    """And its resume knows what it lacks."""
    info = RunInfo("run", "small", "hash", Mode.LIVE, 1.0, "h", {}, "c")
    addresses, target = Addresses([PROVIDER]), tmp_path / "c"
    answer = Taped(URL, json.dumps(BODY), Failure(FailureKind.SERVER, "no"), wire=entry("a").wire)
    with Recording(tmp_path) as recording:
        recorder = Recorder(recording, addresses, info, target)
        recorder.keep(cell("a"), REQUEST, 1, answer)
        recorder.recall(cell("b"), REQUEST)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
        try:
            recorder.keep(cell("b"), REQUEST, 1, answer)
            with pytest.raises(Shut, match="cannot be written"):
                recorder.recall(cell("c"), REQUEST)
            assert "when the run is complete" in recorder.ended({"a", "b"}, complete=False)[0]
            recording.__exit__(None, None, None)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Recording(tmp_path) as recording:
        again = Recorder(recording, addresses, info, target)
        assert again.lacking({"a", "b"}) == {"b"}
        again.keep(cell("b"), REQUEST, 1, answer)
        assert "2 exchanges recorded" in again.ended({"a", "b"}, complete=True)[0]
    with Recording(tmp_path) as recording:
        assert not Recorder(recording, addresses, info, target).lacking({"a", "b"})
