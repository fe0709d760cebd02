"""An answer is given out for the request it was given to, whole, or not at all."""

import json
import multiprocessing
import os
import signal
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepeval.core.chat import Choice, Chunk, ChunkKind, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.record import Mode
from stepeval.store.cache import (
    DATABASE,
    CacheKey,
    ResponseCache,
    cache_info,
    clear_cache,
)

CHUNKS = (Chunk(110, 105, ChunkKind.ROLE), Chunk(120, 111, ChunkKind.ANSWER, 0, 1, 0, 2))
ANSWER = Response(
    "i",
    "m",
    (Choice(0, "four \ud800", "hm"),),
    Usage(3, 4),
    Timing(90, 100, 105, 130, CHUNKS),
    quota={"x-ratelimit-limit": "5"},
)
UNTIMED = replace(ANSWER, timing=Timing(None, None, None, None, CHUNKS), quota=None)
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "temperature": 1,
    "stream": True,
}
KEY = CacheKey(Mode.LIVE, "https://h:443", "/v1/chat/completions", "m", {}, BODY, 0)


def filled(folder: Path, count: int = 1) -> None:
    with ResponseCache(folder) as cache:
        for epoch in range(count):
            cache.add(replace(KEY, epoch=epoch), ANSWER, 1000.0)


def test_an_answer_comes_back_without_its_times(tmp_path: Path) -> None:
    """They were another run's: no latency can be made of them, tokens can."""
    filled(tmp_path)
    with ResponseCache(tmp_path) as cache:
        assert cache.get(KEY) == UNTIMED
        assert cache.trouble is None


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, mode=Mode.SIMULATED),
        replace(KEY, host="https://h:444"),
        replace(KEY, host="http://h:443"),
        replace(KEY, path="/v2/chat/completions"),
        replace(KEY, model="n"),
        replace(KEY, headers={"x-variant": "b"}),
        replace(KEY, epoch=1),
        replace(KEY, body={**BODY, "temperature": 1.0}),
        replace(KEY, body={**BODY, "temperature": True}),
        replace(KEY, body={**BODY, "top_p": None}),
        replace(KEY, body={**BODY, "stream": False}),
        replace(KEY, body={**BODY, "messages": [{"role": "user", "content": "hi "}]}),
        replace(KEY, body={**BODY, "messages": [{"role": "system", "content": "hi"}]}),
    ],
)
def test_whatever_else_is_asked_is_not_known(tmp_path: Path, other: CacheKey) -> None:
    filled(tmp_path)
    with ResponseCache(tmp_path) as cache:
        assert cache.get(other) is None
        assert cache.get(KEY) is not None


def test_the_order_of_names_makes_no_difference(tmp_path: Path) -> None:
    filled(tmp_path)
    turned = json.loads(json.dumps(dict(reversed(BODY.items()))))
    with ResponseCache(tmp_path) as cache:
        assert cache.get(replace(KEY, body=turned)) == UNTIMED


def test_the_first_answer_stays(tmp_path: Path) -> None:
    filled(tmp_path)
    with ResponseCache(tmp_path) as cache:
        cache.add(KEY, replace(ANSWER, id="another"), 2000.0)
    with ResponseCache(tmp_path) as cache:
        found = cache.get(KEY)
    assert found is not None
    assert found.id == "i"


def test_the_cache_is_for_its_owner_alone(tmp_path: Path) -> None:
    filled(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    with ResponseCache(tmp_path / "new"):
        for path in (tmp_path / "new").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("where", ["start", "middle", "everywhere", "empty", "other", "open"])
def test_a_cache_that_cannot_be_trusted_says_so_and_is_silent(tmp_path: Path, where: str) -> None:
    filled(tmp_path, count=40)
    path = tmp_path / DATABASE
    data = bytearray(path.read_bytes())
    if where == "other":
        path.unlink()
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE mine (x)")
        path.chmod(0o600)
    elif where == "open":
        path.chmod(0o622)
    else:
        places = {"start": range(100), "middle": range(4096, len(data)), "everywhere": range(0)}
        for place in places.get(where, range(0)):
            data[place] ^= 0x55
        path.write_bytes({"empty": b"", "everywhere": os.urandom(len(data))}.get(where, data))
    with ResponseCache(tmp_path) as cache:
        found = [cache.get(replace(KEY, epoch=epoch)) for epoch in range(40)]
        cache.add(KEY, ANSWER, 1.0)
    assert not any(found)
    if where != "empty":  # which is a cache without answers
        assert cache.trouble is not None
        assert "--clear" in cache.trouble


def test_a_flipped_bit_is_never_an_answer(tmp_path: Path) -> None:
    """SQLite itself notices no change inside a text."""
    filled(tmp_path)
    path = tmp_path / DATABASE
    data = path.read_bytes()
    start = data.index(b'"choices"')
    for place in range(start, start + 60):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with ResponseCache(tmp_path) as cache:
            assert cache.get(KEY) is None
            assert cache.trouble is not None


def test_an_answer_moved_to_another_key_is_never_given(tmp_path: Path) -> None:
    filled(tmp_path)
    other = replace(KEY, epoch=7)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("UPDATE responses SET key = ?", (other.digest,))
        connection.commit()
    with ResponseCache(tmp_path) as cache:
        assert cache.get(other) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / DATABASE).symlink_to(tmp_path / "victim")
    with ResponseCache(tmp_path / "c") as cache:
        assert cache.trouble is not None
    assert not (tmp_path / "victim").exists()


def _fill(folder: Path, worker: int, count: int) -> None:
    with ResponseCache(folder) as cache:
        for n in range(count):
            cache.add(replace(KEY, epoch=n), replace(ANSWER, id=f"{worker}"), 1.0)
            found = cache.get(replace(KEY, epoch=n))
            assert found is None or found.choices == ANSWER.choices
        assert cache.trouble is None, cache.trouble


def test_several_processes_fill_one_cache(tmp_path: Path) -> None:
    """From its creation on, which all of them try at once."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_fill, args=(tmp_path, n, 50)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert cache_info(tmp_path).answers == 50


def test_a_killed_process_leaves_a_whole_cache(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    worker = spawn.Process(target=_fill, args=(tmp_path, 0, 100_000))
    worker.start()
    deadline = time.monotonic() + 30
    while not _answers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    count = _answers(tmp_path)
    assert count
    with ResponseCache(tmp_path) as cache:
        assert all(cache.get(replace(KEY, epoch=n)) for n in range(count))
        assert cache.trouble is None


def _answers(folder: Path) -> int:
    try:
        return cache_info(folder).answers
    except StoreError:
        return 0  # it is being made


def test_info_and_clear(tmp_path: Path) -> None:
    assert cache_info(tmp_path).answers == 0
    filled(tmp_path, count=3)
    info = cache_info(tmp_path)
    assert (info.answers, info.oldest, info.newest, info.models) == (3, 1000.0, 1000.0, {"m": 3})
    assert info.size_bytes > 0
    clear_cache(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / DATABASE).write_bytes(b"no database at all, but a file of some length")
    (tmp_path / DATABASE).chmod(0o600)
    with pytest.raises(StoreError, match="--clear"):
        cache_info(tmp_path)
