"""A key goes to the hosts it belongs to and appears nowhere else."""

import base64
import signal
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from program import Serve, Shell

from stepeval.simulator.speed import Speed

CANARY = "sk-canary/7f3a+Zq9=="
FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY, safe=""))
SUITE = """
stepeval: 1
name: secret
defaults: {model: step-3.7-flash, stream: true}
dataset: [{input: one}, {input: two}]
scoring: [{scorer: includes, value: x}]
"""


def assert_no_key(folder: Path, *texts: str) -> None:
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for form in FORMS:
        assert not any(form.encode() in content for content in files)
        assert not any(form in text for text in texts)


@pytest.mark.parametrize(
    ("faults", "code"),
    [({}, 0), ({"401": 1.0}, 5), ({"garbage": 1.0}, 5), ({"cut-stream": 1.0}, 5)],
    ids=["success", "401", "garbage", "cut"],
)
def test_no_artefact_holds_the_key(
    shell: Shell, serve: Serve, faults: dict[str, float], code: int
) -> None:
    server = serve(fault_rates=faults, require_key=True)
    said = shell(
        *("run", shell.suite(SUITE), "--base-url", server.base_url, "--key-env", "MY_KEY"),
        env={"MY_KEY": CANARY, "STEPEVAL_DEBUG": "1"},
        code=code,
    )
    posted = [request for request in server.requests() if request.method == "POST"]
    assert posted
    assert all(dict(r.headers)["authorization"] == f"Bearer {CANARY}" for r in posted)
    assert_no_key(shell.folder, said.out, said.err)


def test_neither_the_command_line_nor_a_killed_run_shows_the_key(
    shell: Shell, serve: Serve
) -> None:
    server = serve(speed=Speed(ttft_ms=60_000))
    process = shell.start(
        *("run", shell.suite(SUITE), "--base-url", server.base_url, "--key-env", "MY_KEY"),
        env={"MY_KEY": CANARY},
    )
    deadline = time.monotonic() + 30
    while not any(r.method == "POST" for r in server.requests()) and time.monotonic() < deadline:
        time.sleep(0.02)
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"MY_KEY" in command
    assert CANARY.encode() not in command
    process.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert_no_key(shell.folder, out, err)


def test_a_stepfun_key_is_not_sent_to_another_server(shell: Shell, serve: Serve) -> None:
    server = serve()
    env = {"STEP_API_KEY": CANARY, "OPENAI_API_KEY": CANARY}
    shell("run", shell.suite(SUITE), "--base-url", server.base_url, "--no-report", env=env)
    assert all("authorization" not in dict(request.headers) for request in server.requests())


def test_a_suite_cannot_choose_where_requests_go(shell: Shell) -> None:
    evil = SUITE + "providers: {evil: {base_url: 'https://evil.example/v1', key_env: STEP_API_KEY}}"
    said = shell("run", shell.suite(evil), env={"STEP_API_KEY": CANARY}, code=2)
    assert "--trust-base-url" in said.err
    assert not (shell.folder / ".stepeval").exists()


def test_without_a_key_nothing_is_sent_and_the_variable_is_named(shell: Shell) -> None:
    said = shell("run", shell.suite(SUITE), code=5)
    assert "STEP_API_KEY" in said.err
    assert not (shell.folder / ".stepeval").exists()


def test_what_is_stored_is_for_its_owner_alone(shell: Shell, serve: Serve) -> None:
    shell("run", shell.suite(SUITE), "--base-url", serve().base_url, "--no-report")
    run = shell.run_folder()
    assert run.stat().st_mode & 0o077 == 0
    for path in run.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
