"""`stepeval history` as users have it."""

import subprocess
from pathlib import Path

from program import Shell

SUITE = """\
stepeval: 1
name: sums
defaults: {model: step-3.7-flash, reasoning_effort: low}
dataset: [{id: a, input: "What is 17 * 23?", target: 391}, {id: b, input: two, target: 2}]
scoring: [numeric]
"""


def git(folder: Path, *arguments: str) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def test_runs_and_commits_of_a_suite_in_their_order(shell: Shell) -> None:
    suite = shell.suite(SUITE)
    git(shell.folder, "init", "-q")
    git(shell.folder, "add", suite)
    git(shell.folder, "commit", "-qm", "one")
    shell("run", suite, "--simulate", "--no-report")
    shell.suite(SUITE.replace("low", "high"))
    shell("run", suite, "--simulate", "--no-report")
    found = shell("history", suite, "--json").json()
    first, second = found["arms"][0]["runs"]
    assert first["created_at"] < second["created_at"]
    assert (first["git_dirty"], second["git_dirty"]) == (False, True)
    assert second["changed"] == ["reasoning_effort: low -> high"]
    said = shell("history", "sums", "--report", "h.html").out
    assert f"{second['git_commit'][:10]}+" in said
    assert "reasoning_effort: low -> high" in said
    page = (shell.folder / "h.html").read_text()
    assert "SIMULATED" in page
    assert "reasoning_effort: low -&gt; high" in page
    assert "<script" not in page
    assert "1 older run left out" in shell("history", "sums", "--last", "1").out


def test_bad_input_is_told_in_one_sentence(shell: Shell) -> None:
    assert "is stored in" in shell("history", "sums", code=2).err
    shell("run", shell.suite(SUITE), "--simulate", "--no-report")
    assert "did you mean 'sums'?" in shell("history", "sum", code=2).err
    assert "has an arm 'x'" in shell("history", "sums", "--arm", "x", code=2).err
    shell.suite("a: [", "bad.yaml")
    assert "bad.yaml:" in shell("history", "bad.yaml", code=2).err
    shell("history", "x" * 5000, code=2)
