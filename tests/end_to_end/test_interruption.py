"""A run that ends early loses nothing that was paid for, and goes on where it stopped."""

import json
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from program import Serve, Shell

from stepeval.simulator.speed import Speed
from stepeval.store.run import RunReader

SLOW = Speed(ttft_ms=40, itl_ms=0.1)


def many(shell: Shell, count: int = 80) -> str:
    rows = json.dumps([{"id": str(n), "input": f"question {n}", "target": n} for n in range(count)])
    return shell.suite(
        "stepeval: 1\nname: many\ndefaults: {model: step-3.7-flash, stream: true, max_tokens: 60}\n"
        f"dataset: {rows}\nscoring: [numeric]\nlimits: {{concurrency: 4}}\n"
    )


def wait_until_some_are_stored(shell: Shell, at_least: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for database in shell.folder.glob(".stepeval/runs/*/run.db"):
            try:
                if RunReader(database.parent).status().finals >= at_least:
                    return
            except Exception:  # noqa: BLE001 -- it is being made at this moment
                pass
        time.sleep(0.02)
    raise AssertionError("the run did not get going")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130)],
)
def test_a_stopped_run_is_resumed_without_a_request_too_many(
    shell: Shell, serve: Serve, number: signal.Signals, code: int
) -> None:
    server = serve(speed=SLOW)
    process = shell.start("run", many(shell), "--base-url", server.base_url, "--no-report")
    wait_until_some_are_stored(shell, 10)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err

    run = shell.run_folder()
    kept = {record.cell.id for record in RunReader(run).records()}
    assert 10 <= len(kept) < 80
    sent_before = len(bodies(server))
    if number is not signal.SIGKILL:
        assert sent_before == len(kept)  # what was under way was waited for, and kept

    (shell.folder / "suite.yaml").unlink()  # a resumed run needs no suite
    shell("resume", "latest", "--no-report")
    assert len(bodies(server)) - sent_before == 80 - len(kept)
    records = Counter(record.cell.id for record in RunReader(run).records())
    assert len(records) == 80
    assert set(records.values()) == {1}
    assert kept <= set(records)
    assert intact(run)
    again = shell("run", "--resume", run.name, "--no-report", "--json").json()
    assert len(bodies(server)) == sent_before + 80 - len(kept)
    assert again["recorded"] == again["total"] == 80


def test_a_second_interrupt_does_not_wait(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=60_000))
    process = shell.start("run", many(shell), "--base-url", server.base_url, "--no-report")
    deadline = time.monotonic() + 30
    while not bodies(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None  # the first one waits for the answers
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.parametrize(("fault", "word"), [("402", "balance"), ("401", "key")])
def test_an_account_that_is_refused_stops_the_run_at_once_and_resumably(
    shell: Shell, serve: Serve, fault: str, word: str
) -> None:
    refusing = serve(fault_rates={fault: 1.0})
    said = shell("run", many(shell), "--base-url", refusing.base_url, "--no-report", code=5)
    assert word in said.err
    assert len(bodies(refusing)) <= 4  # one a worker
    status = RunReader(shell.run_folder()).status()
    assert status.finals == 0
    assert status.attempts == len(bodies(refusing))


def test_passing_faults_are_retried_and_every_attempt_is_kept(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"500": 0.2, "early-close": 0.1})
    shell("run", many(shell, 30), "--base-url", server.base_url, "--no-report")
    records = list(RunReader(shell.run_folder()).records())
    attempts = sum(len(record.attempts) for record in records)
    assert len(records) == 30
    assert attempts == len(bodies(server)) > 30


def test_a_run_has_one_writer(shell: Shell, serve: Serve) -> None:
    server = serve(speed=SLOW)
    process = shell.start("run", many(shell), "--base-url", server.base_url, "--no-report")
    wait_until_some_are_stored(shell, 1)
    said = shell("resume", "latest", code=4)
    assert str(process.pid) in said.err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def bodies(server: "object") -> list[bytes]:
    return [r.body for r in server.requests() if r.method == "POST"]  # type: ignore[attr-defined]  # the fixture's simulator


def intact(run: Path) -> bool:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
