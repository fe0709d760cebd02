"""Suites as tests, in processes of their own: what a newcomer types, and what comes of it."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import junitparser
import pytest
from program import Serve, Shell

SUITE = """\
stepeval: 1
name: sums
defaults: {model: step-3.7-flash}
grid: {reasoning_effort: [low, high]}
dataset:
  - {id: one, input: What is 1 + 1?, target: 2}
  - {id: two, input: What is 2 + 2?, target: 4}
scoring:
  - {id: number, scorer: numeric}
"""
ANSWERED = f"{SUITE}expect: {{items: answered, score: 0.01}}\n"
ROOT = Path(__file__).parents[2]
# Ends the process with 99 at its first step towards a network, whatever the program does about it.
NO_NETWORK = """
import os, sys
def hear(event, args):
    if event in ("socket.getaddrinfo", "socket.sendto") or event == "socket.connect":
        os._exit(99)
sys.addaudithook(hear)
"""


def run_pytest(
    folder: Path, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None
) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))}
    clean = {k: v for k, v in clean.items() if not k.endswith("_API_KEY")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**clean, "XDG_CONFIG_HOME": str(folder / "config"), **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
    return done.stdout


def recorded(shell: Shell, text: str = ANSWERED) -> Path:
    """A folder with a suite and its cassette, which the simulator answered."""
    shell.suite(text, "sums.stepeval.yaml")
    run_pytest(shell.folder, "--stepeval=record", "--stepeval-simulate")
    return shell.folder


def test_this_repositorys_own_suites_pass_without_network_or_key(tmp_path: Path) -> None:
    (tmp_path / "no_network.py").write_text(NO_NETWORK)
    env = {"PYTHONPATH": str(tmp_path)}
    said = run_pytest(ROOT, "-p", "no_network", "suites", env=env)
    assert " passed" in said
    assert "failed" not in said


def test_record_then_replay(shell: Shell) -> None:
    folder = recorded(shell)
    assert (folder / "cassettes" / "sums.stepeval.cassette").is_file()
    runs = len(list((folder / ".stepeval" / "runs").iterdir()))
    assert "6 passed" in run_pytest(folder, "--junitxml=j.xml")
    assert len(list((folder / ".stepeval" / "runs").iterdir())) == runs, "a replay leaves nothing"
    told = [p.attrib for p in ET.parse(folder / "j.xml").iter("property")]
    assert told == [{"name": "stepeval", "value": "REPLAY of SIMULATED"}] * 6


def test_without_a_cassette_there_is_one_failure_that_says_what_to_do(shell: Shell) -> None:
    shell.suite(SUITE, "sums.stepeval.yaml")
    (shell.folder / "test_mine.py").write_text("def test_mine():\n    pass\n")
    said = run_pytest(shell.folder, code=1)
    assert "1 failed, 1 passed" in said
    assert "there is no cassettes/sums.stepeval.cassette to replay" in said
    assert "--stepeval=record" in said


def test_a_broken_expectation_names_the_line(shell: Shell) -> None:
    folder = recorded(shell)
    text = ANSWERED.replace("items: answered", "items: correct").replace("target: 4", "target: 5")
    (folder / "sums.stepeval.yaml").write_text(text)
    said = run_pytest(folder, code=1)
    assert "sums.stepeval.yaml:7: the answer is not right: score 0.00" in said
    assert "rule number (line 9): 0.00" in said
    assert "FAILED sums.stepeval.yaml::two[low]" in said


def test_a_changed_prompt_is_an_error_that_says_what_differs(shell: Shell) -> None:
    folder = recorded(shell)
    text = ANSWERED.replace("What is 2 + 2?", "What is 2 plus 2?")
    (folder / "sums.stepeval.yaml").write_text(text)
    said = run_pytest(folder, code=1)
    assert "has no answer to the request of arm" in said
    assert "ERROR sums.stepeval.yaml::two[low]" in said
    assert " failed" not in said


def test_a_known_failing_item_is_expected_to_fail(shell: Shell) -> None:
    folder = recorded(shell)
    text = SUITE.replace("target: 4", "target: 5") + "expect: {known_failing: [two]}\n"
    (folder / "sums.stepeval.yaml").write_text(text)
    assert "2 xfailed" in run_pytest(folder, "-k", "two")


def test_only_what_was_chosen_is_asked_live(shell: Shell, serve: Serve) -> None:
    server = serve()
    text = f"{ANSWERED}providers: {{here: {{base_url: {server.base_url}}}}}\n"
    shell.suite(text.replace("{model:", "{provider: here, model:"), "sums.stepeval.yaml")
    run_pytest(shell.folder, "--stepeval=live", "sums.stepeval.yaml::two[low]")
    assert len([r for r in server.requests() if r.method == "POST"]) == 1
    assert "SIMULATED" in shell("show", "latest").out, "what was paid for is kept"


def test_workers_share_one_run(shell: Shell, serve: Serve) -> None:
    server = serve()
    text = f"{ANSWERED}providers: {{here: {{base_url: {server.base_url}}}}}\n"
    shell.suite(text.replace("{model:", "{provider: here, model:"), "sums.stepeval.yaml")
    assert "6 passed" in run_pytest(shell.folder, "--stepeval=live", "-n", "2")
    assert len([r for r in server.requests() if r.method == "POST"]) == 4


def test_without_a_key_live_is_an_error_in_one_sentence(shell: Shell) -> None:
    shell.suite(SUITE, "sums.stepeval.yaml")
    assert "set STEP_API_KEY" in run_pytest(shell.folder, "--stepeval=live", code=1)


@pytest.mark.parametrize("name", ["data.yaml", "suites/data.yaml", "suites.yaml"])
def test_no_other_yaml_is_touched(shell: Shell, name: str) -> None:
    (shell.folder / "suites").mkdir()
    (shell.folder / name).write_text("a: [unclosed\n")
    (shell.folder / "pytest.ini").write_text("[pytest]\nstepeval_suites = suites\n")
    run_pytest(shell.folder, code=5)


def test_the_ini_option_makes_suites_of_a_folder_tests(shell: Shell) -> None:
    (shell.folder / "suites").mkdir()
    (shell.folder / "pytest.ini").write_text("[pytest]\nstepeval_suites = suites\n")
    shell.suite(SUITE.replace("scorer: numeric", "scorer: numerik"), "suites/sums.yaml")
    said = run_pytest(shell.folder, code=2)
    assert "suites/sums.yaml:9:26: unknown scorer 'numerik' (did you mean 'numeric'?)" in said


def test_a_gate_is_a_test_of_each_arm(shell: Shell) -> None:
    text = SUITE + "expect: {items: answered, baseline: main}\n"
    folder = recorded(shell, ANSWERED)
    (folder / "sums.stepeval.yaml").write_text(text)
    said = run_pytest(folder, code=1)
    assert "there is no baseline 'main' in baselines" in said
    assert "ERROR sums.stepeval.yaml::gate[low]" in said
    shell("baseline", "set", "main", "latest")
    said = run_pytest(folder, code=1)
    assert "sums.stepeval.yaml:10: INCONCLUSIVE against baseline main" in said
    (folder / "sums.stepeval.yaml").write_text(text.replace("main}", "main, inconclusive: pass}"))
    assert "6 passed" in run_pytest(folder)


def test_in_github_actions_failures_are_annotated_and_summarised(shell: Shell) -> None:
    folder = recorded(shell)
    text = ANSWERED.replace("items: answered", "items: correct").replace("target: 4", "target: 5")
    suite = folder / "sums.stepeval.yaml"
    suite.write_text(text)
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    said = run_pytest(folder, code=1, env=env)
    assert "\n::error file=sums.stepeval.yaml,line=7,title=two[low]::" in said
    cassette = ("--replay", "cassettes/sums.stepeval.cassette", "--offline", "--no-report")
    told = shell("run", str(suite), *cassette, "--json", "--junit", "out/j.xml", env=env)
    assert json.loads(told.out)["info"]["mode"] == "REPLAY"
    assert "::error file=" in told.err
    assert "**REPLAY of SIMULATED**" in (folder / "summary.md").read_text()
    assert junitparser.JUnitXml.fromfile(str(folder / "out" / "j.xml")).failures >= 2
    assert "::error" not in shell("run", str(suite), *cassette, "--no-github", env=env).err
    assert shell("export", "latest", "--format", "junit").out.startswith("<?xml")


def test_a_load_benchmark_is_no_test(shell: Shell) -> None:
    shell("bench", shell.suite(SUITE), "--simulate", "--requests", "8", "--no-report")
    said = shell("export", "latest", "--format", "junit", code=2).err
    assert "is a load benchmark, of which no suite expects anything" in said


def test_pytest_imports_next_to_nothing_where_there_is_no_suite(tmp_path: Path) -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import stepeval.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert {m for m in done.stdout.split() if m.startswith("stepeval")} == {
        "stepeval",
        "stepeval.pytest_plugin",
    }
    assert not {"numpy", "pydantic", "click", "yaml"} & set(done.stdout.split())
