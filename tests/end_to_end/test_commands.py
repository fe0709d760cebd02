"""The commands as a new user types them, mistakes included."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from program import Serve, Shell

import stepeval

MARK = "SIMULATED"


def test_demo_works_in_an_empty_folder_and_says_that_it_is_simulated(shell: Shell) -> None:
    said = shell("demo", "--limit", "12")
    assert MARK in said.err
    assert MARK in said.out
    (report,) = (shell.folder / "reports").glob("*.html")
    assert MARK in report.read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(shell("export", "latest").out)))
    assert len(rows) == 36
    assert {row["mode"] for row in rows} == {MARK}
    assert {row["arm"] for row in rows} == {"low", "medium", "high"}
    lines = shell("export", "latest", "--format", "jsonl", "--table", "scores").out.splitlines()
    assert {json.loads(line)["mode"] for line in lines} == {MARK}
    frames = stepeval.load_run("latest", runs=shell.folder / ".stepeval" / "runs")
    assert len(frames.samples) == 36
    assert len(frames.chunks) > 36


def test_a_simulator_by_its_address_is_still_simulated(shell: Shell, serve: Serve) -> None:
    shell("init")
    said = shell("run", "suite.yaml", "--base-url", serve().base_url, "--json", "--no-report")
    assert said.json()["info"]["mode"] == MARK


def test_what_init_writes_runs_at_once(shell: Shell) -> None:
    said = shell("init", "mine.yaml")
    assert "mine.yaml" in said.out
    told = shell("validate", "mine.yaml").out
    assert "requests" in told
    assert "cost" in told
    shell("run", "mine.yaml", "--simulate")
    again = shell("init", "mine.yaml", code=2)
    assert "exists" in again.err


def test_runs_show_score_and_report_agree_on_the_latest_run(shell: Shell) -> None:
    shell("init")
    ran = shell("run", "suite.yaml", "--simulate", "--json", "--no-report").json()
    name = ran["info"]["id"]
    assert [run["id"] for run in shell("runs", "--json").json()] == [name]
    assert name in shell("runs").out
    shown = shell("show", "latest", "--json").json()
    assert shown["arms"] == ran["arms"]
    assert shell("score", name[:20], "--json").json()["arms"] == ran["arms"]
    report = shell("report", name, "--out", "deep/er/x.html").out.strip()
    assert (shell.folder / report).is_file()


def test_a_large_grid_is_refused_before_anything_is_sent(shell: Shell, serve: Serve) -> None:
    server = serve()
    axes = "".join(f"  p{n}: {list(range(50))}\n" for n in range(6))
    suite = shell.suite(
        "stepeval: 1\nname: big\ndefaults: {model: m}\ndataset: [{input: x}]\n"
        f"scoring: [exact]\ngrid:\n{axes}"
    )
    said = shell("run", suite, "--base-url", server.base_url, code=2)
    assert "15,625,000,000" in said.err or "15625000000" in said.err
    assert not any(request.method == "POST" for request in server.requests())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum"], "did you mean 'run'?"),
        (["run"], "name a suite to run"),
        (["run", "none.yaml"], "none.yaml"),
        (["show", "nothing"], "nothing"),
        (["show", "../../etc"], "../../etc"),
        (["run", "suite.yaml", "--simulate", "--arm", "hihg"], "did you mean"),
        (["run", "suite.yaml", "--simulate", "--sample", "zzz"], "zzz"),
        (["run", "suite.yaml", "--simulate", "--set", "temperature"], "NAME=VALUE"),
        (["run", "suite.yaml", "--simulate", "--set", "temperature=3"], "at most 2.0"),
        (["run", "suite.yaml", "--simulate", "--base-url", "http://x"], "leave out"),
        (["run", "suite.yaml", "--base-url", "ftp://x"], "must look like 'https://host/v1'"),
        (["export", "nothing"], "nothing"),
        (["simulate", "--fault", "50O=1"], "50O"),
        (["simulate", "--tier", "V9"], "V9"),
        (["simulate", "--null", "--suite", "suite.yaml"], "--suite has no meaning with --null"),
        (["simulate", "--gap-ms", "20"], "--gap-ms needs --null"),
    ],
)
def test_a_mistake_is_one_clear_sentence_and_exit_code_two(
    shell: Shell, arguments: list[str], sentence: str
) -> None:
    shell("init")
    assert sentence in shell(*arguments, code=2).err


def test_a_misspelt_suite_is_told_all_its_mistakes_with_their_places(shell: Shell) -> None:
    suite = shell.suite(
        "stepeval: 1\nname: typo\ndefaults: {model: step-3.7-flash, temperature: 9}\n"
        "dataset: [{input: x}]\nscoring:\n  - scorer: exat\npromts: []\n"
    )
    said = shell("validate", suite, code=2).err
    assert "suite.yaml:3:" in said
    assert "suite.yaml:6:13: " in said
    assert "did you mean 'exact'?" in said
    assert "suite.yaml:7:1: " in said
    assert "did you mean 'prompts'?" in said


def test_a_suites_own_code_runs_only_when_allowed(shell: Shell) -> None:
    (shell.folder / "mine.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\n"
        "def polite(sample, choice): return 'please' in choice.text\n"
    )
    suite = shell.suite(
        "stepeval: 1\nname: own\ndefaults: {model: step-3.7-flash}\ndataset: [{input: x}]\n"
        "scoring: [{scorer: './mine.py:polite'}]\n"
    )
    said = shell("run", suite, "--simulate", "--no-report", code=2)
    assert "--allow-scorer-code" in said.err
    shell("validate", suite)
    assert not (shell.folder / "ran").exists()
    shell("run", suite, "--simulate", "--no-report", "--allow-scorer-code")
    assert (shell.folder / "ran").exists()


def test_the_schema_is_one_json_document(shell: Shell) -> None:
    schema = shell("schema").json()
    assert {"stepeval", "prompts", "grid", "scoring"} <= set(schema["properties"])


def test_doctor_tells_of_each_thing_it_looked_at(shell: Shell) -> None:
    checks = {check["name"]: check for check in shell("doctor", "--json").json()}
    assert set(checks) == {"key", "host", "clock", "simulator", "local servers"}
    assert checks["simulator"]["state"] == checks["clock"]["state"] == "ok"
    assert checks["key"]["state"] == "note"
    broken = {"STEP_API_KEY": "two words"}
    assert "FAIL  key" in shell("doctor", env=broken, code=5).out


def test_a_terminal_is_given_nothing_to_obey(tmp_path: Path) -> None:
    """Arm names, suite names and failures come from files and servers."""
    evil = '"\\u001b]52;c;ZXZpbA==\\u0007\\u202Eevil\\r"'
    (tmp_path / "s.yaml").write_text(
        f"stepeval: 1\nname: evil\ndescription: {evil}\ndefaults: {{model: step-3.7-flash}}\n"
        f"dataset: [{{id: a, input: {evil}, target: {evil}}}]\nscoring: [exact]\n"
        f"grid: {{arms: {{{evil}: {{temperature: 0.1}}}}}}\n"
    )
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stepeval", "run", "s.yaml", "--simulate"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=there, stderr=there,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(there)
    captured = b""
    try:
        while data := os.read(here, 65536):
            captured += data
    except OSError:
        pass  # the other side is closed: its end of file
    os.close(here)
    process.wait(timeout=60)
    assert b"evil" in captured
    for obeyed in (b"\x1b]", b"\x07", "\u202e".encode(), b"evil\r\x1b"):
        assert obeyed not in captured


@pytest.mark.parametrize("table", ["samples", "scores", "chunks"])
def test_every_table_exports_in_both_formats_with_the_same_columns(
    shell: Shell, table: str
) -> None:
    shell("init")
    shell("run", "suite.yaml", "--simulate", "--no-report", "--limit", "2")
    lines = shell("export", "latest", "--table", table, "--format", "jsonl").out.splitlines()
    rows = list(csv.DictReader(io.StringIO(shell("export", "latest", "--table", table).out)))
    assert len(rows) == len(lines) > 0
    assert set(rows[0]) == set(json.loads(lines[0]))


def test_a_server_that_is_not_there_is_named_as_the_reason(shell: Shell) -> None:
    shell("init")
    dead = ("run", "suite.yaml", "--base-url", "http://127.0.0.1:9/v1", "--limit", "1")
    said = shell(*dead, "--set", "max_tokens=5", "--no-report", code=5)
    assert "connect" in said.out
    assert "failed 2x" in said.out


def test_only_the_providers_in_use_need_their_keys(shell: Shell, serve: Serve) -> None:
    server = serve(models=("here",))
    suite = shell.suite(
        "stepeval: 1\nname: two\ndataset: [{input: x}]\nscoring: [{scorer: includes, value: x}]\n"
        f"providers: {{stepfun: {{}}, mine: {{base_url: '{server.base_url}'}}}}\n"
        "grid:\n  arms:\n    far: {provider: stepfun, model: step-3.7-flash}\n"
        "    near: {provider: mine, model: here}\n"
    )
    shell("run", suite, "--arm", "near", "--no-report")
    assert "STEP_API_KEY" in shell("run", suite, "--arm", "far", code=5).err
