import asyncio
import os
import pickle
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

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
from stepeval.core.errors import StoreError
from stepeval.core.record import Attempt, Mode, RunInfo, Score, ScoreRow
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, ScoringRule, Suite
from stepeval.store.run import RunEvent, RunReader, RunStore, create_run, open_run

RULES = (ScoringRule("right", "exact"),)
INFO = RunInfo("run", "suite", "hash", Mode.LIVE, 1000.0, "host", {"python": "3"}, "stepeval run")
ARMS = (Arm("a", "p", "m", "q"), Arm("b", "p", "m", "q", {"temperature": 0.5}))
SAMPLES = tuple(Sample(str(n), f"question {n}", target=n) for n in range(4))
SUITE = Suite(
    "suite",
    (Provider("p", "https://host/v1"),),
    (Prompt("q", (Message("user", "{{ input }}"),)),),
    SAMPLES,
    ARMS,
    scoring=RULES,
)
CELLS = tuple(Cell(f"{arm.name}{s.id}", arm, s) for arm in ARMS for s in SAMPLES)
CHUNKS = (Chunk(110, 105, ChunkKind.ROLE), Chunk(120, 111, ChunkKind.ANSWER, 0, 1, 0, 2))
OK = Response("i", "m", (Choice(0, "four", "hm"),), Usage(3, 4), Timing(90, 100, 105, 130, CHUNKS))
LONG = random.Random(1).randbytes(100_000).decode("latin-1")  # which no compression makes short
BROKEN = Failure(
    FailureKind.DISCONNECTED, "gone", timing=OK.timing, partial=replace(OK, id=None)
)  # fmt: skip


def attempt(number: int = 1, result: Response | Failure = OK, body: str = '{"n":1}') -> Attempt:
    return Attempt(number, 1000.5, 100, 140, Exchange("https://host/v1/chat", body, result))


def add(store: RunStore, *cells: Cell, final: bool = True, made: Attempt | None = None) -> None:
    async def all_of_them() -> None:
        work = [store.add_attempt(cell, made or attempt(), final=final) for cell in cells]
        await asyncio.gather(*work)

    asyncio.run(all_of_them())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with create_run(tmp_path, INFO, SUITE) as created:
        yield created


def test_what_is_written_is_read_back_whole(store: RunStore) -> None:
    add(store, CELLS[0], final=False, made=attempt(1, BROKEN))
    add(store, CELLS[0], made=attempt(2))
    (record,) = RunReader(store.path).records()
    assert record.cell == CELLS[0]
    assert record.attempts == (attempt(1, BROKEN), attempt(2))
    assert (store.reader().info(), store.reader().suite()) == (INFO, SUITE)


def test_text_without_utf8_is_stored_and_not_lost(store: RunStore) -> None:
    odd = replace(OK, choices=(Choice(0, "cut \ud83d", "\x00"),))
    add(store, CELLS[0], made=attempt(1, odd, body='"\udc00\x00"'))
    (record,) = store.reader().records()
    assert record.attempts == (attempt(1, odd, body='"\udc00\x00"'),)


def test_records_come_in_finishing_order_and_open_cells_not_at_all(store: RunStore) -> None:
    add(store, CELLS[0], CELLS[1], final=False)
    for n in (3, 1, 2):
        add(store, CELLS[n])
    assert [record.cell.id for record in store.reader().records()] == ["a3", "a1", "a2"]
    assert store.done_cells() == {"a1", "a2", "a3"}


def test_a_cell_has_one_final_attempt_and_its_neighbours_in_the_batch_are_stored(
    store: RunStore,
) -> None:
    add(store, CELLS[0])

    async def together() -> list[BaseException | None]:
        adding = [store.add_attempt(cell, attempt(), final=True) for cell in CELLS[:3]]
        return await asyncio.gather(*adding, return_exceptions=True)

    outcomes = asyncio.run(together())
    assert [type(outcome) for outcome in outcomes] == [StoreError, type(None), type(None)]
    assert store.done_cells() == {"a0", "a1", "a2"}
    assert store.reader().status().attempts == 3


def test_an_answer_whose_waiter_was_cancelled_is_stored(store: RunStore) -> None:
    async def cancel_at_once() -> None:
        task = asyncio.create_task(store.add_attempt(CELLS[0], attempt(), final=True))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel_at_once())
    assert store.done_cells() == {"a0"}


def test_a_cell_asked_again_has_its_latest_result_and_keeps_the_earlier(store: RunStore) -> None:
    add(store, CELLS[0], made=attempt(1, BROKEN))
    add(store, CELLS[1])
    store.add_scores([score(CELLS[1], 1.0)], store.scoring())
    store.reopen([CELLS[0].id, CELLS[1].id])
    add(store, CELLS[0], final=False, made=attempt(1, BROKEN, body="again"))
    status = store.reader().status()
    assert (status.finals, status.attempts, status.scored) == (2, 3, 1)
    first = next(store.reader().records())
    assert first.attempts == (attempt(1, BROKEN),)  # the earlier one counts until there is another
    add(store, CELLS[0], made=attempt(2))
    add(store, CELLS[1], made=attempt(1, BROKEN))
    latest = {record.cell.id: record for record in store.reader().records()}
    assert list(latest) == ["a0", "a1"]
    assert latest["a0"].attempts == (
        attempt(1, BROKEN), attempt(1, BROKEN, body="again"), attempt(2),
    )  # fmt: skip
    assert isinstance(latest["a1"].result, Failure)
    assert store.done_cells() == {"a0", "a1"}
    assert store.reader().status().finals == 2


def test_a_score_belongs_to_the_answer_it_judged(store: RunStore) -> None:
    add(store, *CELLS[:2])
    store.add_scores([score(cell, 0.0) for cell in CELLS[:2]], store.scoring())
    store.reopen(["a0"])
    add(store, CELLS[0])
    assert store.scored_cells() == {"a1"}
    assert [row.cell_id for row in store.reader().scores()] == ["a1"]
    store.add_scores([score(CELLS[0], 1.0)], store.scoring())
    assert [(row.cell_id, row.score.value) for row in store.reader().scores()] == [
        ("a1", 0.0), ("a0", 1.0),
    ]  # fmt: skip
    assert store.reader().status().scored == 2
    kept = sqlite3.connect(store.path)
    assert kept.execute("SELECT count(*) FROM scores").fetchone() == (3,)
    kept.close()


def test_an_answer_that_is_the_whole_text_is_stored_once(store: RunStore) -> None:
    """And one that is only a part of it, or of another choice, as it is."""
    said = "The order of words matters. " * 100
    both = replace(OK, choices=(Choice(0, said), Choice(1, said[5:])))
    add(store, CELLS[0], made=attempt(1, both))
    wanted = [
        ScoreRow("a0", choice, rule, Score("exact", 0.0, answer))
        for choice, rule, answer in ((0, "r", said), (0, "s", said[5:]), (1, "r", said[5:]))
    ]
    store.add_scores(wanted, store.scoring())
    assert list(store.reader().scores()) == wanted
    kept = sqlite3.connect(store.path)
    assert kept.execute("SELECT answer = x'3d' FROM scores").fetchall() == [(1,), (0,), (1,)]
    kept.close()


def test_a_cell_is_asked_again_once_and_only_if_it_was_reopened(store: RunStore) -> None:
    add(store, *CELLS[:2])
    store.reopen(["a0"])
    add(store, CELLS[0])
    for cell in CELLS[:2]:
        with pytest.raises(StoreError, match="final attempt already"):
            add(store, cell)


def score(cell: Cell, value: float, rule: str = "right") -> ScoreRow:
    return ScoreRow(cell.id, 0, rule, Score("exact", value, "4", "because", {"k": [1]}))


def test_a_later_scoring_replaces_none_before_it(store: RunStore) -> None:
    add(store, *CELLS[:2])
    store.add_scores([score(CELLS[0], 0.0), score(CELLS[1], 1.0)], store.scoring())
    rules = (*RULES, ScoringRule("more", "exact"))
    second = store.new_scoring(rules, 2000.0)
    assert list(store.reader().scores()) == []
    assert store.scored_cells() == set()
    store.add_scores([score(CELLS[1], 0.5, "right"), score(CELLS[1], 1.0, "more")], second)
    assert [row.rule for row in store.reader().scores()] == ["more", "right"]
    assert store.scored_cells(store.scoring()) == {"a1"}
    assert store.reader().suite().scoring == rules
    kept = sqlite3.connect(store.path)
    assert kept.execute("SELECT value FROM scores WHERE scoring = 1").fetchall() == [(0.0,), (1.0,)]
    kept.close()


def test_scores_stand_in_the_order_of_the_records(store: RunStore) -> None:
    for n in (2, 0, 1):
        add(store, CELLS[n])
    store.add_scores([score(cell, 1.0) for cell in CELLS[:3]], store.scoring())
    assert [row.cell_id for row in store.reader().scores()] == ["a2", "a0", "a1"]
    assert next(store.reader().scores()) == score(CELLS[2], 1.0)


def test_a_batch_with_a_wrong_score_is_refused_as_a_whole(store: RunStore) -> None:
    add(store, CELLS[0])
    with pytest.raises(StoreError, match="cell a1 has no final attempt"):
        store.add_scores([score(CELLS[0], 1.0), score(CELLS[1], 1.0)], store.scoring())
    with pytest.raises(StoreError, match="UNIQUE"):
        store.add_scores([score(CELLS[0], 1.0), score(CELLS[0], 0.0)], store.scoring())
    assert list(store.reader().scores()) == []


def test_status_tells_how_far_a_run_is(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        add(store, CELLS[0])
        store.add_scores([score(CELLS[0], 1.0)], store.scoring())
        found = store.reader().status()
        assert (found.state, found.finals, found.cells, found.scored) == ("running", 1, 8, 1)
        store.finish(RunEvent.STOPPED, 2000.0, "budget")
    found = RunReader(tmp_path / "run").status()
    assert (found.state, found.last_event, found.last_at, found.reason) == (
        "incomplete", "stopped", 2000.0, "budget",
    )  # fmt: skip
    with open_run(tmp_path / "run") as store:
        store.note(RunEvent.RESUMED, 3000.0)
        add(store, *CELLS[1:])
        store.finish(RunEvent.COMPLETED, 4000.0)
        assert store.reader().status().state == "complete"


def test_a_reader_sees_one_state_while_the_writer_goes_on(store: RunStore) -> None:
    add(store, CELLS[0], CELLS[1])
    records = store.reader().records()
    next(records)
    add(store, CELLS[2])
    assert len(list(records)) == 1
    assert len(list(store.reader().records())) == 3


def test_only_the_owner_can_read_a_run(tmp_path: Path) -> None:
    """Whatever the umask says, and for the files that SQLite makes, too."""
    before = os.umask(0)
    try:
        with create_run(tmp_path, INFO, SUITE) as store:
            add(store, CELLS[0])
            list(store.reader().records())
            modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in store.path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("run.db", "run.db-wal", "run.db-shm", "run.lock"), 0o600)
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_a_second_process_is_refused_and_told_who_writes(store: RunStore) -> None:
    code = (
        "import sys; from pathlib import Path; from stepeval.store.run import open_run\n"
        "try: open_run(Path(sys.argv[1]))\nexcept Exception as e: print(e)"
    )
    directory = str(store.path.parent)
    done = subprocess.run(
        [sys.executable, "-c", code, directory], capture_output=True, text=True, check=True
    )
    assert f"process {os.getpid()} is writing this run" in done.stdout


def test_a_run_can_be_opened_again_after_it_was_closed(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        add(store, CELLS[0])
    with open_run(tmp_path / "run") as again:
        add(again, CELLS[1])
        assert again.done_cells() == {"a0", "a1"}
    with pytest.raises(StoreError, match="was closed"):
        again.done_cells()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE):
        pass
    lock = tmp_path / "run" / "run.lock"
    victim = tmp_path / "victim"
    victim.write_text("mine")
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(StoreError, match="cannot be locked"):
        open_run(tmp_path / "run")
    assert victim.read_text() == "mine"


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    create_run(tmp_path, INFO, SUITE).close()
    with pytest.raises(StoreError, match="never overwritten"):
        create_run(tmp_path, INFO, SUITE)


def _edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("PRAGMA user_version = 99", "newer stepeval (format 99, this one reads up to 2)"),
        ("PRAGMA application_id = 7", "no stepeval run but another program's database"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(
    tmp_path: Path, statement: str, sentence: str
) -> None:
    create_run(tmp_path, INFO, SUITE).close()
    _edit(tmp_path / "run" / "run.db", statement)
    for opening in (open_run, RunReader):
        with pytest.raises(StoreError) as refusal:
            opening(tmp_path / "run")
        assert sentence in str(refusal.value)


def test_a_damaged_file_is_not_written_to(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        for cell in CELLS:
            add(store, cell, made=attempt(body=LONG[:20_000]))
    path = tmp_path / "run" / "run.db"
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("content", [b"", b"no database at all, but text " * 100])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.db"
    path.write_bytes(content)
    for opening in (open_run, RunReader):
        with pytest.raises(StoreError, match=r"holds no run|not a database"):
            opening(path)


def test_a_planted_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    with create_run(tmp_path, INFO, SUITE) as store:
        add(store, CELLS[0])
    path = tmp_path / "run" / "run.db"
    connection = sqlite3.connect(path)
    connection.execute("UPDATE attempts SET chunks = ?", (pickle.dumps(Trap()),))
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="cannot be read"):
        list(RunReader(path).records())
    assert not (tmp_path / "sprung").exists()


def test_a_full_disk_refuses_the_attempt_and_keeps_what_was_there(store: RunStore) -> None:
    add(store, CELLS[0])
    pages = store._all("PRAGMA page_count")[0][0]
    store._all(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"full.*safe"):
        add(store, CELLS[1], made=attempt(body=LONG))
    assert store.done_cells() == {"a0"}
    assert [record.cell.id for record in store.reader().records()] == ["a0"]
    store._all(f"PRAGMA max_page_count = {pages + 1000}")
    add(store, CELLS[1], made=attempt(body=LONG))
    assert store.done_cells() == {"a0", "a1"}


AS_NOBODY = """
import os, sys
from pathlib import Path
from stepeval.store.run import RunReader, open_run
if os.geteuid() == 0:
    os.setuid(65534)
path = Path(sys.argv[1])
try:
    print([r.cell.id for r in RunReader(path).records()], RunReader(path).status().state)
    open_run(path)
except Exception as error:
    print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Which every user can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_run_on_a_read_only_medium_can_be_read_but_not_written(open_folder: Path) -> None:
    with create_run(open_folder, INFO, SUITE) as store:
        add(store, CELLS[0])
    directory = open_folder / "run"
    for file in directory.iterdir():
        file.chmod(0o444)
    directory.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(directory)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    directory.chmod(0o755)
    assert done.stdout.startswith("['a0'] incomplete\n")
    assert "cannot be locked for writing: Permission denied" in done.stdout


def test_a_copy_without_its_lock_file_is_a_run(tmp_path: Path) -> None:
    with create_run(tmp_path, INFO, SUITE) as store:
        add(store, CELLS[0])
    shutil.copy(tmp_path / "run" / "run.db", tmp_path / "elsewhere.db")
    assert [record.cell for record in RunReader(tmp_path / "elsewhere.db").records()] == [CELLS[0]]
