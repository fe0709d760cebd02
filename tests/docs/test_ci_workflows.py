"""The workflows that are there to be copied, and the action they use."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from stepeval.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
BLOCKS = [
    yaml.safe_load(b) for b in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for each in value.values() for text in texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts(each))
    elif isinstance(value, str):
        yield value


def steps() -> Iterator[dict[str, Any]]:
    for block in BLOCKS:
        for job in block.get("jobs", {}).values():
            yield from job["steps"]


def test_there_are_workflows_for_both_services() -> None:
    assert [bool(block.get("jobs")) for block in BLOCKS] == [True, True, False]


def test_every_command_in_them_exists() -> None:
    lines = [line.strip() for text in texts(BLOCKS) for line in text.splitlines()]
    commands = [line for line in lines if line.startswith("stepeval ")]
    assert len(commands) == 2
    for line in commands:
        name, command, rest = cli.resolve_command(click.Context(cli), shlex.split(line)[1:])
        assert command is not None
        command.make_context(name, rest).close()


def test_a_pull_request_gets_no_secret() -> None:
    for block in BLOCKS:
        triggers = block.get("on", block.get(True, ()))  # YAML 1.1 reads `on` as true
        assert "pull_request_target" not in triggers
        if "pull_request" in triggers:
            assert not any("secrets." in text for text in texts(block))


def test_no_script_is_put_together_from_what_others_write() -> None:
    """`${{ }}` within a script would be pasted into it before a shell reads it."""
    for step in (*steps(), *ACTION["runs"]["steps"]):
        assert "${{" not in step.get("run", ""), step


def test_the_action_has_every_input_that_a_workflow_gives() -> None:
    used = [step for step in steps() if "stepeval@" in step.get("uses", "")]
    assert used
    for step in used:
        assert set(step["with"]) <= set(ACTION["inputs"])


def test_the_actions_install_takes_pytest_with_all_it_needs_out_of_the_lock(
    tmp_path: Path,
) -> None:
    script = ACTION["runs"]["steps"][0]["run"].partition("awk")[2]
    awk = "awk" + script.partition("pip=")[0]
    env = {**os.environ, "HERE": str(ROOT), "RUNNER_TEMP": str(tmp_path)}
    subprocess.run(["bash", "-euo", "pipefail", "-c", awk], env=env, check=True)
    told = (tmp_path / "pytest.lock").read_text()
    names = re.findall(r"^([a-z]+)==", told, re.MULTILINE)
    assert names == ["iniconfig", "packaging", "pluggy", "pygments", "pytest"]
    assert told.count("--hash=sha256:") >= 2 * len(names)


@pytest.mark.parametrize(("paths", "code"), [("suites", 0), ("suites/none.yaml", 4)])
def test_the_actions_test_runs_as_it_is_written(tmp_path: Path, paths: str, code: int) -> None:
    folder = tmp_path / "stepeval" / "bin"
    folder.mkdir(parents=True)
    (folder / "pytest").symlink_to(Path(sys.executable).parent / "pytest")
    junit = tmp_path / "j.xml"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", ACTION["runs"]["steps"][1]["run"]],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))},
            "RUNNER_TEMP": str(tmp_path),
            "PATHS": paths,
            "ANSWERS": "replay",
            "JUNIT": str(junit),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert junit.is_file()
