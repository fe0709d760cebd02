"""Cache and cassettes as users have them: processes, files, and no network where none may be."""

import base64
import gzip
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import quote

import pytest
from program import Serve, Shell

from stepeval.simulator.speed import Speed
from stepeval.store.cassette import read_cassette
from stepeval.store.run import RunReader

CANARY = "sk-canary/7f3a+Zq9=="
FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY, safe=""))
SUITE = """
stepeval: 1
name: small
defaults: {model: step-3.7-flash, stream: true}
grid: {reasoning_effort: [low, high]}
dataset: [{id: a, input: "What is 17 * 23?", target: 391}, {id: b, input: two, target: 2}]
scoring: [numeric]
epochs: 2
"""
CELLS = 8
# Ends the process with 99 at its first step towards a network, whatever the program does about it.
GUARD = """
import os, sys
def hear(event, _):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        os._exit(99)
sys.addaudithook(hear)
from stepeval.cli.main import main
main(sys.argv[1:])
"""


def runs(shell: Shell) -> list[RunReader]:
    return [RunReader(path) for path in sorted((shell.folder / ".stepeval" / "runs").iterdir())]


def posts(server: Any) -> list[Any]:
    return [request for request in server.requests() if request.method == "POST"]


def arms(said: Any) -> list[dict[str, Any]]:
    """What a run came to, but for what times and money say."""
    kept = ("arm", "n", "outcomes", "accuracy", "score", "output_tokens", "failures", "retry_share")
    return [{name: arm[name] for name in kept} for arm in said["arms"]]


def test_a_second_run_asks_for_nothing_and_pays_nothing(shell: Shell, serve: Serve) -> None:
    server = serve()
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--json", "--cache")
    first, second = shell(*asked).json(), shell(*asked).json()
    assert len(posts(server)) == CELLS
    assert arms(first) == arms(second)
    for before, after in zip(first["arms"], second["arms"], strict=True):
        assert (before["from_cache"], after["from_cache"]) == (0, CELLS / 2)
        assert after["cost_total"] == 0
        assert after["cost_original"] == before["cost_total"] == before["cost_original"] > 0
        assert after["cost_per_correct"] == before["cost_per_correct"]
        assert after["ttft_ms"]["p50"]["n"] == after["e2e_ms"]["p50"]["n"] == 0
        assert before["e2e_ms"]["p50"]["n"] == CELLS / 2
    fresh, recalled = (list(reader.records()) for reader in runs(shell))
    assert {record.from_cache for record in fresh} == {False}
    assert {record.from_cache for record in recalled} == {True}
    rows = shell("export", "latest", "--format", "jsonl").out.splitlines()
    for row in map(json.loads, rows):
        assert row["from_cache"]
        assert row["cost"] == 0 < row["original_cost"]
        assert not [name for name in row if name.endswith("_ms") and row[name] is not None]
    assert shell("export", "latest", "--table", "chunks", "--format", "jsonl").out == ""
    said = shell("show", "latest").out
    assert f"{CELLS} of {CELLS} answers came from the cache" in said
    report = Path(second["report"])
    assert "came from the response cache" in (shell.folder / report).read_text()


def test_the_cache_may_be_in_a_folder_of_its_own(shell: Shell, serve: Serve) -> None:
    """And --cache before the suite takes the suite for no folder."""
    server = serve()
    asked = ("--base-url", server.base_url, "--no-report")
    for _ in range(2):
        shell("run", "--cache", shell.suite(SUITE), *asked)
    assert len(posts(server)) == CELLS
    shell("run", "suite.yaml", *asked, "--cache-dir", "mine")
    assert len(posts(server)) == 2 * CELLS
    assert shell("cache", "--cache-dir", "mine").out.startswith("mine/responses.db: 8 answers")
    (shell.folder / "mine" / "responses.db").write_bytes(b"damaged" * 1000)
    said = shell("run", "suite.yaml", *asked, "--cache-dir", "mine").err
    assert "stepeval cache --clear --cache-dir mine" in said
    shell("cache", "--clear", "--cache-dir", "mine")
    assert f"{CELLS} answers" in shell("cache").out, "the other cache is as it was"


@pytest.mark.parametrize(
    "option", [("--cache",), ("--record", "c.jsonl"), ("--offline",), ("--replay", "c.jsonl")]
)
def test_nothing_remembered_answers_a_benchmark(shell: Shell, option: tuple[str, ...]) -> None:
    (shell.folder / "c.jsonl").write_text('{"stepeval_cassette": 1}\n')
    said = shell("bench", shell.suite(SUITE), "--simulate", *option, code=2).err
    assert "a benchmark measures a server" in said


@pytest.mark.parametrize(
    "changed",
    [
        ("--set", "temperature=0.3"),
        ("--model", "step-3.5-flash"),
        ("--epochs", "3"),
    ],
)
def test_what_differs_is_asked_for(shell: Shell, serve: Serve, changed: tuple[str, ...]) -> None:
    server = serve()
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", "--cache")
    shell(*asked)
    shell(*asked, *changed)
    more = CELLS // 2 if changed[0] == "--epochs" else CELLS
    assert len(posts(server)) == CELLS + more
    other = serve()
    shell("run", "suite.yaml", "--base-url", other.base_url, "--no-report", "--cache")
    assert len(posts(other)) == CELLS, "another host"


def test_what_the_cache_answers_is_in_no_budget(shell: Shell, serve: Serve) -> None:
    """Not while the run goes on, and not when it is resumed."""
    server = serve()
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", "--cache")
    shell(*asked)
    shell(*asked, "--max-requests", "1")
    assert len(posts(server)) == CELLS
    more = ("--epochs", "3", "--concurrency", "1")
    shell(*asked, *more, "--max-requests", "2", code=4)
    assert len(posts(server)) == CELLS + 2
    shell("resume", "latest", "--cache", "--max-requests", "4", "--no-report")
    assert len(posts(server)) == CELLS + 4


def test_failures_are_not_cached(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"451": 1.0})
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", "--cache")
    for _ in range(2):
        shell(*asked, code=5)
    assert len(posts(server)) == 2 * CELLS


def test_the_suite_may_ask_for_the_cache_and_the_user_decide(shell: Shell, serve: Serve) -> None:
    server = serve()
    suite = shell.suite(SUITE + "cache: true\n")
    asked = ("run", suite, "--base-url", server.base_url, "--no-report")
    shell(*asked)
    shell(*asked)
    assert len(posts(server)) == CELLS
    shell(*asked, "--no-cache")
    assert len(posts(server)) == 2 * CELLS
    assert f"{CELLS} answers" in shell("cache").out
    assert "0 answers" in shell("cache", "--clear").out


def test_what_is_asked_again_is_asked_of_the_api(shell: Shell, serve: Serve) -> None:
    """The cache has the very answer that did not please."""
    server = serve()
    suite = shell.suite(SUITE + "cache: true\n")
    shell("run", suite, "--base-url", server.base_url, "--no-report")
    shell("retry", "latest", "--where", "sample=a", "--no-report")
    assert len(posts(server)) == CELLS + CELLS // 2


def test_a_recorded_run_keeps_its_answers(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    said = shell("retry", "latest", "--where", "sample=a", "--no-report", code=2)
    assert "whose answers it must keep" in said.err


def test_a_damaged_cache_warns_and_the_run_goes_on(shell: Shell, serve: Serve) -> None:
    server = serve()
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", "--cache")
    shell(*asked)
    file = shell.folder / ".stepeval" / "cache" / "responses.db"
    file.write_bytes(file.read_bytes()[:50] + b"damaged" * 1000)
    said = shell(*asked)
    assert said.err.count("warning: the cache") == 1
    assert len(posts(server)) == 2 * CELLS


def test_a_killed_run_is_finished_from_what_its_cache_has(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=60))
    asked = ("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", "--cache")
    process = shell.start(*asked, "--concurrency", "1")
    deadline = time.monotonic() + 30
    while len(posts(server)) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    sent = len(posts(server))
    shell(*asked)
    assert sent + CELLS - (sent - 1) >= len(posts(server)) >= CELLS
    assert any(record.from_cache for record in runs(shell)[-1].records())
    with closing(sqlite3.connect(shell.folder / ".stepeval/cache/responses.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def record(shell: Shell, server: Any, *more: str) -> Any:
    return shell(
        *("run", shell.suite(SUITE), "--base-url", server.base_url, "--json", "--no-report"),
        *("--record", "c.jsonl", *more),
    ).json()


def replayed(server: Any) -> tuple[str, ...]:
    return ("run", "suite.yaml", "--base-url", server.base_url, "--replay", "c.jsonl", "--json")


def test_a_replay_comes_to_what_was_recorded(shell: Shell, serve: Serve) -> None:
    """With its failures, its retries and its times; the server is not asked."""
    server = serve(fault_rates={"500": 0.3, "cut-stream": 0.1}, speed=Speed(ttft_ms=5, itl_ms=0.1))
    first = record(shell, server)
    sent = len(posts(server))
    assert sent > CELLS
    said = shell(*replayed(server))
    again = said.json()
    assert len(posts(server)) == sent
    assert arms(first) == arms(again)
    assert again["info"]["mode"] == "REPLAY"
    assert again["info"]["cassette"]["mode"] == "SIMULATED"
    for before, after in zip(first["arms"], again["arms"], strict=True):
        assert (after["cost_total"], after["cost_original"]) == (0, before["cost_original"])
        assert after["ttft_ms"] == before["ttft_ms"]
    recorded, read = ({r.cell.id: r for r in reader.records()} for reader in runs(shell))
    assert {c: len(r.attempts) for c, r in recorded.items()} == {
        c: len(r.attempts) for c, r in read.items()
    }
    page = (shell.folder / again["report"]).read_text()
    assert "<title>REPLAY: " in page
    assert "<strong>REPLAY</strong>" in page
    assert "as it was recorded" in page
    assert "Quality against latency" not in page
    assert "simulator" in page
    rows = shell("export", "latest", "--format", "jsonl").out.splitlines()
    assert {json.loads(row)["mode"] for row in rows} == {"REPLAY"}
    assert shell("show", "latest").out.startswith("REPLAY")
    assert "as they were recorded" in shell("show", "latest").out


def test_recording_again_changes_nothing_but_what_came_back(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    before = read_cassette(shell.folder / "c.jsonl").slots
    record(shell, server, "--concurrency", "1")
    after = read_cassette(shell.folder / "c.jsonl").slots
    assert [slot.entry().place for slot in before] == [slot.entry().place for slot in after]


def test_a_replay_runs_in_ci_for_nothing(shell: Shell) -> None:
    """Without a key, without a network: a process that would end at the first socket."""
    suite = shell.suite(SUITE)
    shell("run", suite, "--simulate", "--record", "c.jsonl", "--no-report")
    folder = shell.folder / "checkout"
    folder.mkdir()
    for name in ("suite.yaml", "c.jsonl"):
        shutil.copy(shell.folder / name, folder)
    command = ["run", "suite.yaml", "--replay", "c.jsonl", "--offline"]
    for launcher in ([], *([["unshare", "-rn"]] if _can_unshare() else [])):
        done = subprocess.run(
            [*launcher, sys.executable, "-W", "error", "-c", GUARD, *command],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("REPLAY")


def _can_unshare() -> bool:
    try:
        done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def test_a_changed_suite_fails_and_names_the_request(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    changed = shell.suite(SUITE.replace("input: two", "input: three"), "changed.yaml")
    said = shell(*replayed(server)[:1], changed, *replayed(server)[2:], code=4)
    assert "sample 'b'" in said.err
    assert "not as it was" in said.err
    assert "differs in messages): record it again" in said.err.splitlines()[-1]
    assert "stepeval resume" not in said.err, "it would come to the same end"
    assert len(posts(server)) == CELLS


def test_rules_and_targets_may_change(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    shell.suite(SUITE.replace("target: 2}", "target: 3}").replace("numeric", "includes"))
    said = shell(*replayed(server)).json()
    assert said["recorded"] == CELLS


def test_how_fast_it_goes_is_no_change_of_the_suite(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server, "--concurrency", "1")
    assert "not as it was" not in shell(*replayed(server), "--concurrency", "4").err


def test_what_the_recording_lacks_is_asked_again(shell: Shell, serve: Serve) -> None:
    """A power failure may take from the journal what the store has."""
    server = serve(speed=Speed(ttft_ms=60))
    suite = shell.suite(SUITE)
    asked = ("run", suite, "--base-url", server.base_url, "--no-report", "--record", "c.jsonl")
    process = shell.start(*asked, "--concurrency", "1")
    deadline = time.monotonic() + 30
    while len(posts(server)) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    journal = shell.run_folder() / "recording.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[2:-1]) + lines[-1][:20])
    said = shell("resume", "latest", "--record", "c.jsonl", "--no-report").err
    assert "answers are not in the recording, and are asked for again" in said
    assert f"{CELLS} exchanges recorded" in said
    assert shell(*replayed(server)).json()["recorded"] == CELLS


def test_a_recording_that_is_done_is_not_asked_for_again(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    before = (shell.folder / "c.jsonl").read_bytes()
    said = shell("resume", "latest", "--record", "c.jsonl", "--no-report").err
    assert "its cassette was written when it became so" in said
    assert len(posts(server)) == CELLS
    assert (shell.folder / "c.jsonl").read_bytes() == before


def test_a_server_that_sends_the_key_back_disguised_makes_no_cassette(shell: Shell) -> None:
    """The run is whole; a server that does so no more is all that the cassette waits for."""
    with _Echo() as echo:
        asked = ("--base-url", echo.url, "--key-env", "MY_KEY")
        env = {"MY_KEY": CANARY}
        said = shell(
            *("run", shell.suite(SUITE), *asked, "--record", "c.jsonl", "--no-report"),
            env=env,
            code=4,
        ).err
        assert f"c.jsonl is not written: {CELLS} of {CELLS} answers hold the API key" in said
        assert "the first of them to the request of arm" in said
        assert not (shell.folder / "c.jsonl").exists()
        for path in shell.folder.rglob("*"):
            if path.is_file():
                assert gzip.compress(CANARY.encode())[10:-8] not in path.read_bytes()
                assert CANARY.encode() not in path.read_bytes()
        echo.debug = "nothing"
        said = shell(
            "resume", "latest", "--record", "c.jsonl", "--no-report", "--trust-base-url", env=env
        ).err
        assert f"{CELLS} exchanges recorded" in said


class _Echo:
    """Answers each request, with the request's key in a compressed field that no client reads."""

    def __init__(self) -> None:
        self.debug: str | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                said = outer.debug or self.headers["authorization"]
                choices = [{"index": 0, "message": {"content": "391"}, "finish_reason": "stop"}]
                answer = {"id": "1", "choices": choices, "debug": said}
                body = gzip.compress(json.dumps(answer).encode())
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_what_a_replay_did_not_use_is_told(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    said = shell(*replayed(server), "--sample", "a")
    assert f"{CELLS // 2} of {CELLS} entries were not used" in said.err


def test_an_interrupted_recording_is_finished(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=60))
    suite = shell.suite(SUITE)
    asked = ("run", suite, "--base-url", server.base_url, "--no-report", "--record", "c.jsonl")
    process = shell.start(*asked, "--concurrency", "1")
    deadline = time.monotonic() + 30
    while len(posts(server)) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert not (shell.folder / "c.jsonl").exists()
    assert "--record" in shell("resume", "latest", code=2).err
    shell("resume", "latest", "--record", "c.jsonl", "--no-report")
    assert shell(*replayed(server)).json()["recorded"] == CELLS


def test_a_replay_goes_on_only_with_its_own_cassette(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    whole = (shell.folder / "c.jsonl").read_bytes()
    changed = shell.suite(SUITE.replace("input: two", "input: three"), "changed.yaml")
    shell(*replayed(server)[:1], changed, *replayed(server)[2:], "--no-report", code=4)
    begun = next(reader.info().id for reader in runs(shell) if reader.info().mode == "REPLAY")
    assert "--replay" in shell("resume", begun, code=2).err
    record(shell, server)
    assert "not the cassette" in shell("resume", begun, "--replay", "c.jsonl", code=2).err
    (shell.folder / "c.jsonl").write_bytes(whole)
    assert "sample 'b'" in shell("resume", begun, "--replay", "c.jsonl", code=4).err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--replay", "none"), "none: the cassette cannot be read"),
        (("--replay", "suite.yaml"), "suite.yaml:1: "),
        (("--replay", "x", "--cache"), "say one of them"),
        (("--replay", "x", "--record", "y"), "say one of them"),
        (("--replay", "x", "--simulate"), "--simulate asks"),
        (("--record", "no/c.jsonl"), "no folder no"),
        (("--offline", "--record", "c"), "--offline"),
        (("--offline",), "--replay FILE, or --cache"),
        (("--record", "suite.yaml"), "is there and no cassette"),
        (("--cache-dir", "suite.yaml"), "is a file: name a folder"),
        (("--cache", "--no-cache"), "say the opposite"),
        (("--cache-dir", "x", "--no-cache"), "say the opposite"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(
    shell: Shell, serve: Serve, options: tuple[str, ...], said: str
) -> None:
    server = serve()
    base = () if "--simulate" in options else ("--base-url", server.base_url)
    err = shell("run", shell.suite(SUITE), *base, *options, code=2).err
    assert said in err
    assert not posts(server)
    assert not (shell.folder / ".stepeval" / "runs").exists()


def test_a_tampered_cassette_replays_nothing(shell: Shell, serve: Serve) -> None:
    server = serve()
    record(shell, server)
    path = shell.folder / "c.jsonl"
    path.write_bytes(path.read_bytes().replace(b"17 * 23", b"17 * 24", 1))
    said = shell(*replayed(server), code=2)
    assert "digest differs" in said.err


def test_offline_the_cache_alone_answers(shell: Shell, serve: Serve) -> None:
    """Of a provider on this machine, which may be a simulator: nobody looks."""
    suite = shell.suite(SUITE)
    server = serve()
    env = {"STEP_API_KEY": CANARY}
    said = shell("run", suite, "--cache", "--offline", "--no-report", env=env, code=4)
    assert "the cache has no answer to the request of arm" in said.err
    assert not posts(server)


@pytest.mark.parametrize("how", ["--cache", "--record"])
@pytest.mark.parametrize("fault", [None, "500", "cut-stream", "garbage", "broken-sse"])
def test_no_byte_of_cache_or_cassette_is_a_key(
    shell: Shell, serve: Serve, how: str, fault: str | None
) -> None:
    server = serve(fault_rates={fault: 0.3} if fault else {}, require_key=True)
    said = shell(
        *("run", shell.suite(SUITE), "--base-url", server.base_url, "--key-env", "MY_KEY"),
        *((how, "c.jsonl") if how == "--record" else (how,)),
        env={"MY_KEY": CANARY, "STEPEVAL_DEBUG": "1"},
    )
    assert all(dict(r.headers)["authorization"] == f"Bearer {CANARY}" for r in posts(server))
    files = [path.read_bytes() for path in shell.folder.rglob("*") if path.is_file()]
    assert any(b"stepeval_cassette" in f for f in files) == (how == "--record")
    for form in FORMS:
        assert not any(form.encode() in content for content in files)
        assert form not in said.out + said.err
