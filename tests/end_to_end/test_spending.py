"""Money and patience end, whatever a server does; what was bought is kept and goes on."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import Serve, Shell

from stepeval.analysis.rows import sample_rows
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import RunningSimulator
from stepeval.store.run import RunReader

MOST = 60  # tokens of an answer


def many(shell: Shell, count: int = 60, more: str = "") -> str:
    rows = json.dumps([{"id": str(n), "input": f"question {n}", "target": n} for n in range(count)])
    return shell.suite(
        "stepeval: 1\nname: many\n"
        f"defaults: {{model: step-3.7-flash, stream: true, max_tokens: {MOST}}}\n"
        f"dataset: {rows}\nscoring: [numeric]\nlimits: {{concurrency: 4}}\n{more}"
    )


def sent(server: RunningSimulator) -> int:
    return sum(request.method == "POST" for request in server.requests())


def spent(shell: Shell) -> tuple[float, int]:
    """Of every attempt that says so, also of cells that are not done."""
    reader = RunReader(shell.run_folder())
    rows = list(sample_rows(reader))
    tokens = sum((row.input_tokens or 0) + (row.output_tokens or 0) for row in rows)
    return sum(row.cost or 0.0 for row in rows), tokens


def test_a_run_ends_within_its_cost_and_goes_on_with_a_higher_one(
    shell: Shell, serve: Serve
) -> None:
    server = serve()
    suite = many(shell)
    said = shell(
        *("run", suite, "--base-url", server.base_url, "--max-cost", "0.002USD"), code=4
    )  # fmt: skip
    assert "the budget of 0.002 USD is spent: 0.00" in said.err
    assert "requests are left; resume with a higher --max-cost" in said.err
    cost, _ = spent(shell)
    assert 0.0018 < cost <= 0.002
    first = sent(server)
    assert 0 < first < 60

    (report,) = (shell.folder / "reports").glob("*.html")
    assert "It stopped because the budget of 0.002 USD is spent" in report.read_text("utf-8")
    assert "incomplete: " in shell("show", "latest").out
    assert "the budget of 0.002 USD is spent" in shell("show", "latest").out

    again = shell("resume", "latest", "--no-report", code=4)  # the same budget: nothing is left
    assert "the budget of 0.002 USD is spent" in again.err
    assert sent(server) == first
    shell("resume", "latest", "--no-report", "--max-cost", "1USD")
    assert sent(server) == 60
    assert RunReader(shell.run_folder()).status().finals == 60


@pytest.mark.parametrize(
    ("fault", "options", "most_sent"),
    [
        ("500", ("--max-tokens", "500"), 500 // MOST),  # what it may have used counts
        ("429", ("--max-requests", "9"), 9),
        ("endless-stream", ("--max-tokens", "5000"), 60),
        ("cut-stream", ("--max-tokens", "600"), 60),
    ],
)
def test_no_fault_however_long_it_lasts_spends_more_than_the_budget(
    shell: Shell, serve: Serve, fault: str, options: tuple[str, str], most_sent: int
) -> None:
    server = serve(fault_rates={fault: 1.0}, flood_bytes=200_000)
    suite = many(shell)
    arguments = ("run", suite, "--base-url", server.base_url, "--no-report", *options)
    said = shell(*arguments, "--give-up-after", "2s", code=4)
    assert "the budget of" in said.err or "given up" in said.err
    assert 0 < sent(server) <= most_sent
    _, tokens = spent(shell)
    if fault != "endless-stream":  # which ignores the max_tokens that bounds it
        assert options[0] != "--max-tokens" or tokens <= int(options[1])


def test_a_hanging_server_does_not_hold_a_run_beyond_its_time(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=700, itl_ms=0))
    suite = many(shell, 200)
    begin = time.monotonic()
    said = shell(
        *("run", suite, "--base-url", server.base_url, "--no-report", "--max-time", "2s"), code=4
    )
    assert "the budget of 2 s is spent: ran for" in said.err
    assert "resume with a higher --max-time" in said.err
    assert time.monotonic() - begin < 60, "it ended, and not with the whole suite"
    assert sent(server) < 200


def test_a_suite_can_bound_itself_and_the_command_line_wins(shell: Shell, serve: Serve) -> None:
    server = serve()
    suite = many(shell, more="budget: {requests: 5}\n")
    shell("run", suite, "--base-url", server.base_url, "--no-report", code=4)
    assert sent(server) == 5
    shell("resume", "latest", "--no-report", "--max-requests", "1000")
    assert sent(server) == 60


def test_a_service_that_is_down_is_given_up_and_the_run_says_so(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"503": 1.0})
    suite = many(shell)
    arguments = ("run", suite, "--base-url", server.base_url, "--no-report")
    said = shell(*arguments, "--give-up-after", "3s", code=4)
    assert "paused: 10 requests in a row failed (server: " in said.err
    assert "the service has been down for" in said.err
    assert "what is missing is sent by: stepeval resume" in said.err
    assert sent(server) < 20
    status = RunReader(shell.run_folder()).status()
    assert status.finals < 5
    assert status.attempts == sent(server)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--max-cost", "5"), "--max-cost must be an amount and its currency, such as 5USD"),
        (("--max-time", "2"), "--max-time must be a time with its unit, such as 30s"),
        (("--max-cost", "5CNY"), "step-3.7-flash is priced in USD; say --max-cost in USD"),
        (("--max-cost", "5USD", "--model", "own"), "the price of own is not known"),
    ],
)
def test_a_budget_that_cannot_be_held_is_refused_before_anything_is_sent(
    shell: Shell, serve: Serve, options: tuple[str, ...], sentence: str
) -> None:
    server = serve(models=("own",))
    said = shell("run", many(shell), "--base-url", server.base_url, *options, code=2)
    assert sentence in said.err
    assert sent(server) == 0
    assert not (shell.folder / ".stepeval").exists()


def test_a_run_that_may_cost_much_needs_a_yes(shell: Shell) -> None:
    """The key is none, so a request that did leave would be told by another sentence."""
    suite = many(shell, 20, "epochs: 500\n")
    key = {"STEP_API_KEY": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": ""}
    said = shell("run", suite, "--no-report", "--confirm-above", "0.05 USD", env=key, code=2)
    assert "10,000 requests to https://api.stepfun.ai/v1 may cost up to 0.7" in said.err
    assert "say --yes, or bound it with --max-cost" in said.err
    setting = {**key, "STEPEVAL_CONFIRM_ABOVE": "0.05USD"}
    assert "say --yes" in shell("run", suite, "--no-report", env=setting, code=2).err
    strict = many(shell, 20, "epochs: 500\nbudget: {confirm_above: 0.05 USD}\n")
    assert "say --yes" in shell("run", strict, "--no-report", env=key, code=2).err
    assert not (shell.folder / ".stepeval").exists()


DEAD = {"STEP_API_KEY": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": ""}


def test_a_resumed_run_is_asked_about_by_what_is_left_and_a_no_changes_nothing(
    shell: Shell,
) -> None:
    """Nothing can leave: no proxy is there."""
    suite = many(shell, 20, "epochs: 500\n")
    shell("run", suite, "--no-report", "--yes", env=DEAD, code=5)
    stored = RunReader(shell.run_folder())
    before, budget = stored.status(), stored.suite().budget
    strict = ("latest", "--no-report", "--confirm-above", "0.05USD")
    said = shell("resume", *strict, "--max-requests", "7", env=DEAD, code=2)
    assert 0 < before.finals < 10_000
    left = f"{10_000 - before.finals:,} requests to https://api.stepfun.ai/v1"
    assert f"{left} may cost up to 0.7" in said.err
    assert "say --yes, or bound it with --max-cost" in said.err
    again = RunReader(shell.run_folder())
    assert (again.status(), again.suite().budget) == (before, budget)
    by_run = shell("run", "--resume", *strict, env=DEAD, code=2)
    assert "say --yes" in by_run.err
    assert "may cost" not in shell("resume", *strict, "--yes", env=DEAD, code=5).err


def test_a_retry_is_asked_about_by_what_is_asked_again(shell: Shell) -> None:
    shell("run", many(shell, 5), "--no-report", env=DEAD, code=5)
    before = RunReader(shell.run_folder()).status()
    some = ("retry", "latest", "--where", "sample=1", "--where", "sample=3", "--no-report")
    said = shell(*some, "--confirm-above", "0USD", env=DEAD, code=2)
    assert "2 requests to https://api.stepfun.ai/v1 may cost up to" in said.err
    assert RunReader(shell.run_folder()).status() == before
    assert "may cost" not in shell(*some, env=DEAD, code=5).err
    none = ("retry", "latest", "--where", "outcome=correct", "--no-report")
    assert "nothing is sent" in shell(*none, "--confirm-above", "0USD", env=DEAD).err


def test_nothing_is_asked_about_a_simulated_run(shell: Shell) -> None:
    always = ("--no-report", "--confirm-above", "0USD")
    suite = many(shell)
    shell("run", suite, "--simulate", "--max-requests", "5", *always, code=4)
    shell("resume", "latest", "--max-requests", "100", *always)
    shell("retry", "latest", "--where", "sample=3", *always)


def test_on_a_terminal_it_asks_and_no_means_no(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    suite = many(shell, 20, "epochs: 500\n")
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stepeval", "run", suite, "--confirm-above", "0.05USD"],
        cwd=tmp_path, stdin=there, stdout=subprocess.PIPE, stderr=there, close_fds=True,
        env={"STEP_API_KEY": "none", "PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://127.0.0.1:9"},
    )  # fmt: skip
    os.close(there)
    os.write(here, b"n\n")
    process.communicate(timeout=60)
    assert b"Send them? [y/N]" in os.read(here, 4096)
    os.close(here)
    assert process.returncode == 130
    assert not (tmp_path / ".stepeval").exists()


def test_plan_says_what_validate_says_and_sends_nothing(shell: Shell) -> None:
    suite = many(shell)
    told = shell("plan", suite).out
    assert told == shell("validate", suite).out
    assert "60 requests" in told
    assert "total cost: about" in told
    (arm,) = shell("plan", suite, "--json").json()["arms"]
    assert arm["cost"]["low"] < arm["cost"]["likely"] <= arm["cost"]["high"] <= arm["most_cost"]


PACED = "limits: {concurrency: 2, requests_per_minute: 1}\n"


def paced(shell: Shell) -> str:
    """After one request the next one waits for the rest of a minute."""
    suite = many(shell, 60)
    text = (shell.folder / suite).read_text("utf-8")
    return shell.suite(text.replace("limits: {concurrency: 4}\n", PACED))


def test_what_waits_for_its_turn_is_not_waited_for_when_the_time_is_up(
    shell: Shell, serve: Serve
) -> None:
    begin = time.monotonic()
    arguments = ("--base-url", serve().base_url, "--no-report", "--max-time", "2s")
    said = shell("run", paced(shell), *arguments, code=4)
    assert "the budget of 2 s is spent: ran for" in said.err
    assert "resume with a higher --max-time" in said.err
    assert time.monotonic() - begin < 30, "not to the end of the minute"


def test_what_waits_for_its_turn_is_not_waited_for_when_the_user_stops(
    shell: Shell, serve: Serve
) -> None:
    server = serve()
    process = shell.start("run", paced(shell), "--base-url", server.base_url, "--no-report")
    while sent(server) < 1 and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert time.monotonic() - begin < 30, "not to the end of the minute"


@pytest.mark.parametrize("how", ["kill", "interrupt twice"])
def test_what_was_on_its_way_when_a_run_died_counts_when_it_is_resumed(
    shell: Shell, serve: Serve, how: str
) -> None:
    server = serve(speed=Speed(ttft_ms=60_000, itl_ms=0))
    arguments = ("--base-url", server.base_url, "--no-report", "--max-requests", "6")
    process = shell.start("run", many(shell), *arguments)
    while sent(server) < 4 and process.poll() is None:
        time.sleep(0.05)
    if how == "kill":
        process.kill()
    else:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    again = shell.start("resume", "latest", "--no-report")
    while sent(server) < 6 and again.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    assert sent(server) == 6
    again.kill()
    again.communicate(timeout=60)
    said = shell("resume", "latest", "--no-report", code=4)
    assert "the budget of 6 requests is spent: 6 sent" in said.err
    assert sent(server) == 6


def test_a_budget_that_was_raised_holds_for_the_next_resume_too(shell: Shell, serve: Serve) -> None:
    server = serve()
    suite = many(shell, more="budget: {requests: 5}\n")
    shell("run", suite, "--base-url", server.base_url, "--no-report", code=4)
    shell("resume", "latest", "--no-report", "--max-requests", "12", code=4)
    assert sent(server) == 12
    again = shell("resume", "latest", "--no-report", code=4)
    assert "the budget of 12 requests is spent: 12 sent" in again.err
    lower = shell("resume", "latest", "--no-report", "--max-requests", "3", code=4)
    assert "the budget of 3 requests is spent: 12 sent" in lower.err
    assert sent(server) == 12


def test_a_suite_says_how_long_a_service_may_be_down(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"503": 1.0})
    suite = many(shell, more="budget: {give_up_after: 2s}\n")
    said = shell("run", suite, "--base-url", server.base_url, "--no-report", code=4)
    assert "the service has been down for" in said.err


def test_an_account_with_nothing_left_is_given_up(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"429-retry-after": 1.0})
    arguments = ("--base-url", server.base_url, "--no-report", "--give-up-after", "3s")
    said = shell("run", many(shell), *arguments, code=4)
    assert "every request was refused, and it is given up (rate_limit: " in said.err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("{currency: USD, input: 0, output: 0}", "may cost up to 0.7"),
        ("{currency: XAU, input: 0, output: 0}", "may cost up to 0.7"),
    ],
)
def test_a_suite_cannot_talk_the_price_down(shell: Shell, more: str, sentence: str) -> None:
    prices = f"epochs: 500\npricing: {{step-3.7-flash: {more}}}\n"
    suite = many(shell, 20, prices)
    key = {"STEP_API_KEY": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": ""}
    said = shell("run", suite, "--no-report", "--confirm-above", "0.05 USD", env=key, code=2)
    assert sentence in said.err
    assert "is lower than its list price of" in shell("validate", suite).err


def test_a_price_that_only_the_suite_names_is_asked_about(shell: Shell) -> None:
    own = "providers: {o: {base_url: https://api.openai.com/v1}}\npricing: {x: {currency: USD, "
    suite = many(shell, 2, f"{own}input: 0, output: 0}}}}\n")
    key = {"OPENAI_API_KEY": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": ""}
    said = shell("run", suite, "--model", "x", "--no-report", env=key, code=2)
    assert "cost, only the suite says: there is no list price of x" in said.err
    text = (shell.folder / suite).read_text("utf-8").replace("max_tokens: 60", "max_tokens: -9")
    odd = shell.suite(text, "odd.yaml")
    assert "no upper bound" in shell("plan", odd, "--model", "x").out
