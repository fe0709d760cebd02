"""Asking again: just those cells, the latest answer counts, nothing is lost."""

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

from program import Serve, Shell

from stepeval.core.chat import Failure, FailureKind
from stepeval.simulator.thread import RunningSimulator
from stepeval.store.run import RunReader, open_run

REFUSED = Failure(FailureKind.BALANCE, "no money left", 402)
SUITE = """\
stepeval: 1
name: s
defaults: {model: step-3.7-flash, max_tokens: 60}
grid: {reasoning_effort: [low, high]}
dataset: [%s]
scoring: [numeric]
limits: {concurrency: 4, max_attempts: 1}
"""


def suite(shell: Shell, samples: int = 15) -> str:
    rows = [f'{{id: s{n}, input: "What is {n} + 1?", target: "{n + 1}"}}' for n in range(samples)]
    return shell.suite(SUITE % ", ".join(rows))


def posts(server: RunningSimulator) -> int:
    return sum(request.method == "POST" for request in server.requests())


def failed(shell: Shell) -> set[str]:
    records = RunReader(shell.run_folder()).records()
    return {record.cell.id for record in records if isinstance(record.result, Failure)}


def test_failed_cells_are_asked_again_until_none_is_left(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"500": 0.4})
    shell("run", suite(shell), "--base-url", server.base_url, "--no-report")
    rounds, before = 0, failed(shell)
    assert 3 < len(before) < 27
    while before:
        retry = shell.start("retry", "latest", "--failed", "--no-report")
        _, err = retry.communicate(timeout=60)
        assert f"asked again: {len(before)} request" in err
        after = failed(shell)
        assert retry.returncode == (5 if after == before else 0)
        assert after <= before  # what had its answer was left alone
        before, rounds = after, rounds + 1
    records = list(RunReader(shell.run_folder()).records())
    assert len(records) == 30
    attempts = sum(len(record.attempts) for record in records)
    assert attempts == posts(server) > 30  # every one that was sent is still there
    shown = shell("export", "latest", "--format", "jsonl").out
    rows = [json.loads(line) for line in shown.splitlines()]
    assert all(row["score"] is not None for row in rows if row["outcome"] != "no_answer")
    said = shell("retry", "latest", "--failed", "--no-report")
    assert "has outcome=failed: nothing is sent" in said.err
    with closing(sqlite3.connect(shell.run_folder() / "run.db")) as connection:
        kinds = [row[0] for row in connection.execute("SELECT kind FROM events")]
    assert kinds.count("retried") == rounds + 1


def test_a_condition_chooses_the_cells_and_conditions_of_other_names_narrow_it(
    shell: Shell, serve: Serve
) -> None:
    server = serve()
    shell("run", suite(shell), "--base-url", server.base_url, "--no-report")
    before = posts(server)
    which = ("--where", "arm=low", "--where", "sample=s3", "--where", "sample=s4")
    shell("retry", "latest", *which, "--no-report")
    sent = [json.loads(r.body) for r in server.requests() if r.method == "POST"][before:]
    asked = sorted((b["reasoning_effort"], b["messages"][-1]["content"]) for b in sent)
    assert asked == [("low", "What is 3 + 1?"), ("low", "What is 4 + 1?")]
    again = {r.cell.sample.id for r in RunReader(shell.run_folder()).records() if r.attempts[1:]}
    assert again == {"s3", "s4"}


def test_a_retry_that_is_cut_short_leaves_a_complete_run(shell: Shell, serve: Serve) -> None:
    """The earlier answer counts until there is a later one."""
    server = serve()
    shell("run", suite(shell), "--base-url", server.base_url, "--no-report")
    before = [r.attempts for r in RunReader(shell.run_folder()).records()]
    with open_run(shell.run_folder()) as store:
        cells = [record.cell for record in store.reader().records()]
        store.reopen(cell.id for cell in cells)
        refused = replace(before[0][0], exchange=replace(before[0][0].exchange, result=REFUSED))
        asyncio.run(store.add_attempt(cells[0], refused, final=False))
    status = RunReader(shell.run_folder()).status()
    assert (status.state, status.finals, status.attempts) == ("complete", 30, 31)
    assert [r.attempts for r in RunReader(shell.run_folder()).records()] == before
    shell("resume", "latest", "--no-report")
    assert posts(server) == 30


def test_what_cannot_be_meant_is_said(shell: Shell, serve: Serve) -> None:
    server = serve()
    shell("run", suite(shell, 1), "--base-url", server.base_url, "--no-report")
    for arguments, sentence in (
        ((), "say what to ask again: --failed, or --where NAME=VALUE"),
        (("--where", "outcome"), "write it as NAME=VALUE"),
        (("--where", "outcom=failed"), "did you mean 'outcome'?"),
        (("--where", "outcome=no-answer"), "did you mean 'no_answer'?"),
        (("--where", "failure=serve"), "did you mean 'server'?"),
        (("--where", "arm=lo"), "did you mean 'low'?"),
        (("--where", "sample=s9"), "unknown sample 's9'"),
    ):
        said = shell("retry", "latest", *arguments, code=2)
        assert sentence in said.err
        assert len(said.err.splitlines()) <= 3
