"""Baselines, the gate and the race as users have them: verdicts, exit codes, and kills between."""

import json
import random
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from program import Shell

from stepeval.core.errors import StoreError
from stepeval.store.baseline import read_baseline, write_baseline
from stepeval.store.run import RunReader

SUITE = """
stepeval: 1
name: sums
defaults:
  model: step-3.7-flash
  temperature: 0.8
  reasoning_effort: high
prompts:
  - id: plain
    messages: [{role: user, content: "{{ input }} Reply with the number only."}]
dataset: {file: sums.jsonl}
scoring: [{id: right, scorer: exact}]
limits: {concurrency: 48}
"""
ITEMS = 240


@pytest.fixture
def suite(shell: Shell) -> str:
    """Hard enough that effort tells: high is right in about 9 of 10, low in about 6."""
    chance = random.Random(1)
    rows = [
        {
            "id": f"q{n}",
            "input": f"What is {n} plus {n % 7}?",
            "target": str(n + n % 7),
            "metadata": {"difficulty": round(chance.betavariate(2, 2.2), 2)},
        }
        for n in range(ITEMS)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (shell.folder / "sums.jsonl").write_text(lines, "utf-8")
    return shell.suite(SUITE)


@contextmanager
def simulator(shell: Shell, suite: str, *more: str) -> Iterator[str]:
    """One that knows the suite's answers and gives them at once; its base URL."""
    server = shell.start("simulate", "--port", "0", "--suite", suite, "--json", *more)
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["base_url"]
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=20)


@pytest.fixture
def url(shell: Shell, suite: str) -> Iterator[str]:
    with simulator(shell, suite, "--speed", "0") as address:
        yield address


def newest(shell: Shell) -> RunReader:
    runs = (shell.folder / ".stepeval" / "runs").iterdir()
    return RunReader(max(runs, key=lambda path: RunReader(path).info().created_at))


def make_baseline(shell: Shell, suite: str, url: str, *more: str) -> None:
    shell("run", suite, "--base-url", url, "--epochs", "4", "--no-report", *more)
    shell("baseline", "set", "main", "latest")


def gated(shell: Shell, suite: str, url: str, *more: str, code: int = 0) -> Any:
    asked = ("run", suite, "--base-url", url, "--gate", "main", "--json", "--no-report", *more)
    return shell(*asked, code=code).json()


def test_an_unchanged_prompt_is_safe_and_asks_less_than_all(
    shell: Shell, suite: str, url: str
) -> None:
    make_baseline(shell, suite, url)
    said = gated(shell, suite, url, "--early-stop", "--margin", "10pp")
    assert said["gate"]["verdict"] == "safe"
    last = said["gate"]["stopping"]["looks"][-1]
    assert last["safe"] > last["safe_bound"]
    assert said["recorded"] == last["items"] < ITEMS
    assert said["skipped"] == ITEMS - last["items"]
    (arm,) = said["arms"]
    assert arm["accuracy"]["low"] is None, "a naive interval would cover less than it says"
    assert arm["outcomes"]["skipped"] == said["skipped"]
    assert said["confirming"] == said["gate"]["stopping"]["canary"]["n"] > 0
    again = shell("gate", "latest", "--json").json()
    assert again["more_items"] is None
    assert again["verdict"] == "safe"
    assert again["stopping"] == said["gate"]["stopping"]


def test_a_worse_one_is_regressed_once_fresh_answers_confirm_it(
    shell: Shell, suite: str, url: str
) -> None:
    make_baseline(shell, suite, url)
    worse = ("--early-stop", "--set", "reasoning_effort=low")
    said = gated(shell, suite, url, *worse, code=1)
    looks = said["gate"]["stopping"]["looks"]
    assert [look["decision"] for look in looks[-2:]] == ["confirm", "regressed"]
    assert looks[-1]["stage"] == "fresh"
    records = list(newest(shell).records())
    by_arm = {arm: [r.cell for r in records if r.cell.arm.name == arm] for arm in names(records)}
    assert sorted(by_arm) == [
        "step-3.7-flash",
        "step-3.7-flash (baseline's canary)",
        "step-3.7-flash (baseline's confirmation)",
        "step-3.7-flash (confirmation)",
    ]
    fresh = looks[-1]["items"]
    assert len(by_arm["step-3.7-flash (confirmation)"]) == fresh
    assert len(by_arm["step-3.7-flash (baseline's confirmation)"]) == fresh
    efforts = {r.cell.arm.name: r.cell.arm.params["reasoning_effort"] for r in records}
    assert efforts["step-3.7-flash (confirmation)"] == "low"
    assert efforts["step-3.7-flash (baseline's confirmation)"] == "high"
    shell("gate", "latest", code=1)
    assert "REGRESSED" in shell("show", "latest").out


def names(records: Any) -> set[str]:
    return {record.cell.arm.name for record in records}


def test_too_few_items_are_inconclusive_and_say_what_they_could_show(
    shell: Shell, suite: str, url: str
) -> None:
    make_baseline(shell, suite, url)
    few = ("--limit", "60", "--margin", "1pp")
    stopped = ("run", suite, "--base-url", url, "--gate", "main", "--early-stop", "--no-report")
    said = shell(*stopped, *few, code=3)
    assert "short of what shows a drop of 1 points" in said.err
    looks = [line for line in said.err.splitlines() if line.startswith(("canary: ", "look "))]
    assert looks[-1].endswith(": inconclusive"), "those who watch see each look as it is taken"
    assert looks[-1].startswith("look 1, 60 items: ")
    assert looks[-2].startswith("canary: ")
    assert re.search(r"; about [\d,]+ more items would decide it, about [\d.]+ USD", said.out)
    assert "INCONCLUSIVE against baseline main" in said.out
    whole = gated(shell, suite, url, *few, "--inconclusive", "pass")
    assert whole["gate"]["verdict"] == "inconclusive"
    (metric,) = whole["gate"]["arms"][0]["metrics"]
    assert metric["more_items"] > 60
    assert whole["gate"]["arms"][0]["only_in_baseline"] == ITEMS - 60
    shell("gate", "latest", "--baseline", "main", "--margin", "1pp", code=3)
    shell(
        "gate", "latest", "--baseline", "main", "--margin", "1pp", "--inconclusive", "fail", code=1
    )
    shell("gate", "latest", "--baseline", "main", "--margin", "25pp")


def test_failures_are_told_and_leave_nothing_safe(shell: Shell, suite: str, url: str) -> None:
    """Else whoever makes hard requests fail has a safe prompt."""
    make_baseline(shell, suite, url)
    wide = ("--margin", "15pp")
    assert gated(shell, suite, url, *wide)["gate"]["verdict"] == "safe"
    with simulator(shell, suite, "--speed", "0", "--fault", "400=0.3") as failing:
        whole = gated(shell, suite, failing, *wide, code=3)
        stopped = gated(shell, suite, failing, *wide, "--early-stop", code=3)
    (metric,) = whole["gate"]["arms"][0]["metrics"]
    assert metric["lacking"] > 0.2
    assert metric["p_unsafe"] < 0.05, "what was answered alone would be safe"
    said = shell("gate", "latest", code=3)
    last = stopped["gate"]["stopping"]["looks"][-1]
    assert last["safe"] > last["safe_bound"]
    assert "have no score, which could hide one" in said.out


def test_a_later_verdict_is_written_into_the_report(shell: Shell, suite: str, url: str) -> None:
    make_baseline(shell, suite, url)
    shell("run", suite, "--base-url", url, "--no-report", "--set", "reasoning_effort=low")
    said = shell("gate", "latest", "--baseline", "main", "--report", "it.html", code=1)
    assert "report: it.html" in said.out
    page = (shell.folder / "it.html").read_text("utf-8")
    assert "REGRESSED against baseline main" in page
    shell("gate", "latest", "--baseline", "main", "--report", "no.html", "--metric", "x", code=2)
    assert not (shell.folder / "no.html").exists()


def test_what_is_not_gated_is_named(shell: Shell, suite: str, url: str) -> None:
    """A new name for an arm, other samples or the run itself must not pass for a check."""
    text = (shell.folder / suite).read_text("utf-8").replace("  reasoning_effort: high\n", "")
    both = shell.suite(text + "grid: {reasoning_effort: [medium, high]}\n", "two.yaml")
    make_baseline(shell, both, url)
    itself = shell("gate", "latest", "--baseline", "main")
    assert "warning: baseline main was made of this very run" in itself.out
    other = shell.suite(text + "grid: {reasoning_effort: [low, high]}\n", "other.yaml")
    shell("run", other, "--base-url", url, "--no-report")
    said = shell("gate", "latest", "--baseline", "main", "--margin", "20pp").out
    assert "warning: low is not in baseline main, and is not gated" in said
    assert "warning: medium of baseline main is not in the run" in said
    rows = (shell.folder / "sums.jsonl").read_text("utf-8").replace("What is", "How much is")
    (shell.folder / "sums.jsonl").write_text(rows, "utf-8")
    refused = shell("run", both, "--base-url", url, "--gate", "main", code=2).err
    assert "none of the suite's 240 samples is in baseline 'main'" in refused
    shell("run", both, "--base-url", url, "--no-report")
    shell("gate", "latest", "--baseline", "main", code=2)


def test_a_hostile_baseline_forges_no_line_and_scripts_no_page(
    shell: Shell, suite: str, url: str
) -> None:
    make_baseline(shell, suite, url)
    shell("run", suite, "--base-url", url, "--no-report")
    known = read_baseline(shell.folder / "baselines" / "main.baseline.json")
    (arm,) = known.arms
    evil = "\x1b[2J\r\nSAFE against baseline main: all is well<script>alert(1)</script>\ud800"
    arms = tuple(
        replace(arm, name=name, model=evil, server=evil, prompt=replace(arm.prompt, id=evil))
        for name in (arm.name, evil)
    )
    made = replace(known, name=evil * 99, untimed=evil, runs=(evil,), arms=arms)
    write_baseline(made, shell.folder / "evil.baseline.json")
    asked = ("gate", "latest", "--baseline", "evil.baseline.json", "--margin", "40pp")
    said = shell(*asked, "--metric", "score,latency", "--report", "evil.html").out
    assert "\x1b" not in said
    assert [line[:4] for line in said.splitlines()].count("SAFE") == 1
    assert max(map(len, said.splitlines())) <= 1_000
    assert "<script>alert" not in (shell.folder / "evil.html").read_text("utf-8")
    copy = shell.folder / "baselines" / "copy.baseline.json"
    copy.write_bytes((shell.folder / "evil.baseline.json").read_bytes())
    named = shell("gate", "latest", "--baseline", "copy", "--margin", "40pp").out
    assert "SAFE against baseline copy: " in named, "it is called as its file is"


def test_cost_and_latency_are_gated_beside_the_score(shell: Shell, suite: str, url: str) -> None:
    make_baseline(shell, suite, url)
    said = gated(
        *(shell, suite, url, "--metric", "score,latency,cost", "--margin", "cost=30%"),
        *("--margin", "8pp", "--set", "reasoning_effort=medium"),
        code=1,
    )
    metrics = {m["metric"]: m for m in said["gate"]["arms"][0]["metrics"]}
    assert sorted(metrics) == ["cost", "latency_p95", "latency_typical", "score"]
    assert metrics["cost"]["verdict"] == "safe"
    assert metrics["cost"]["margin"] == pytest.approx(1.3)
    assert metrics["cost"]["estimate"]["value"] < 0.6, "medium thinks a third as long"
    assert metrics["score"]["verdict"] == "regressed"
    assert said["gate"]["arms"][0]["changed"] == ["reasoning_effort: high -> medium"]


def test_a_killed_run_goes_on_as_if_nothing_had_been(shell: Shell, suite: str) -> None:
    """The same items in the same order, the same looks, and no cell paid twice."""
    with simulator(shell, suite, "--speed", "0") as fast:
        make_baseline(shell, suite, fast)
    with simulator(shell, suite, "--speed", "0.3") as slow:
        asked = ("run", suite, "--base-url", slow, "--gate", "main", "--early-stop", "--no-report")
        worse = ("--set", "reasoning_effort=low", "--concurrency", "8", "--epochs", "2")
        process = shell.start(*asked, *worse)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not has_looked(shell):
            time.sleep(0.05)
        process.kill()
        process.communicate()
        killed = newest(shell)
        before = killed.looks()
        assert before
        assert not any("verdict" in note for note in before)
        shell("gate", "latest", code=4)
        paid = {record.cell.id for record in killed.records()}
        shell("resume", "latest", "--no-report", code=1)
    resumed = newest(shell)
    assert resumed.looks()[: len(before)] == before
    assert resumed.looks()[-1] == {"verdict": "regressed"}
    records = list(resumed.records())
    assert paid <= {record.cell.id for record in records}
    status = resumed.status()
    assert status.attempts == len(records)
    with simulator(shell, suite, "--speed", "0") as fast:
        shell(*asked[:2], "--base-url", fast, *asked[4:], *worse, code=1)
    straight = newest(shell)
    assert [r.cell.sample.key for r in grid(straight)] == [r.cell.sample.key for r in grid(resumed)]
    assert [n["look"]["items"] for n in straight.looks() if "look" in n] == [
        n["look"]["items"] for n in resumed.looks() if "look" in n
    ]


def grid(reader: RunReader) -> list[Any]:
    own = {arm.name for arm in reader.suite().arms}
    return sorted(
        (record for record in reader.records() if record.cell.arm.name in own),
        key=lambda record: record.cell.sample.key,
    )


def has_looked(shell: Shell) -> bool:
    try:
        reader = newest(shell)
        return reader.info().may_stop and len(reader.looks()) > 1
    except StoreError:  # it is being made
        return False


def test_a_budget_holds_over_looks_and_the_run_is_then_incomplete(
    shell: Shell, suite: str, url: str
) -> None:
    make_baseline(shell, suite, url)
    asked = ("run", suite, "--base-url", url, "--gate", "main", "--early-stop", "--no-report")
    said = shell(*asked, "--max-requests", "60", "--margin", "10pp", code=4)
    assert "resume with a higher --max-requests" in said.err
    assert newest(shell).status().attempts == 60
    shell("gate", "latest", code=4)
    assert "SAFE" in shell("resume", "latest", "--max-requests", "600", "--no-report").out


def test_a_recorded_gate_replays_without_a_network(shell: Shell, suite: str, url: str) -> None:
    make_baseline(shell, suite, url)
    asked = ("run", suite, "--gate", "main", "--early-stop", "--json", "--margin", "10pp")
    first = shell(*asked, "--base-url", url, "--record", "gate.cassette").json()
    second = shell(*asked, "--base-url", url, "--replay", "gate.cassette", "--offline")
    assert second.json()["gate"]["stopping"] == first["gate"]["stopping"]
    assert "warning: the run is REPLAY and baseline main SIMULATED" in second.err
    latency = ("--baseline", "main", "--metric", "score,latency", "--margin", "20pp")
    shell("run", suite, "--base-url", url, "--record", "whole.cassette", "--no-report")
    shell("run", suite, "--base-url", url, "--replay", "whole.cassette", "--no-report")
    said = shell("gate", "latest", *latency)
    assert "latency_p95 is not gated: in this run: Its answers came from a cassette" in said.out


def test_a_race_drops_arms_and_says_why(shell: Shell, suite: str, url: str) -> None:
    text = (shell.folder / suite).read_text("utf-8")
    grid_of = "grid: {reasoning_effort: [low, medium, high]}\n"
    text = text.replace("  reasoning_effort: high\n", "") + grid_of
    tiers = shell.suite(text, "tiers.yaml")
    asked = ("run", tiers, "--base-url", url, "--race", "--no-report")
    said = shell(*asked, "--margin", "6pp")
    race = shell("show", "latest", "--json").json()["race"]["race"]
    assert race["pick"]["arm"] == "high"
    assert {drop["arm"] for drop in race["pick"]["drops"]} >= {"low"}
    assert "low left after 25 items: shown worse by more than the margin" in said.out
    assert "PICK high: the cheapest arm not shown worse than another by more than 6" in said.out
    status = newest(shell).status()
    assert status.skipped > ITEMS / 2
    assert status.finals + status.skipped == 3 * ITEMS
    loser = {r.cell.sample.key for r in newest(shell).records() if r.cell.arm.name == "low"}
    assert len(loser) == 25
    shell("gate", "latest", "--baseline", "main", code=2)
    shell("retry", "latest", "--failed", code=2)


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("--early-stop",), "name what the run is gated against: --gate BASE"),
    (("--margin", "2pp"), "name what the run is gated against: --gate BASE"),
    (("--gate", "mian"), "unknown baseline in baselines 'mian' (did you mean 'main'?)"),
    (("--gate", "main", "--margin", "2%"), "must be points above 0 and below 100"),
    (("--gate", "main", "--metric", "scroe"), "unknown metric 'scroe' (did you mean 'score'?)"),
    (("--gate", "main", "--margin", "cost=10%", "--metric", "score"), "is not among --metric"),
    (("--gate", "main", "--early-stop", "--metric", "cost"), "decided by the score alone"),
    (("--gate", "main", "--early-stop", "--cache"), "takes fresh ones"),
    (("--gate", "main", "--race"), "--race compares the arms of a grid"),
    (("--gate", "main", "--margin", "0.02"), "did you mean 2pp or 0.02pp?"),
    (("--gate", "x" * 5_000), "unknown baseline in baselines 'xxx"),
    (("--gate", "../../main"), "unknown baseline in baselines '../../main'"),
    (("--gate", "main", "--margin", "9%", "--metric", "cost"), "write cost=9%"),
    (("--race", "--inconclusive", "pass"), "a race has no inconclusive verdict"),
    (("--race",), "a race needs at least two arms"),
]


def test_what_cannot_be_gated_is_said_before_anything_is_sent(
    shell: Shell, suite: str, url: str
) -> None:
    shell("run", suite, "--base-url", url, "--limit", "4", "--no-report")
    shell("baseline", "set", "main", "latest")
    before = list((shell.folder / ".stepeval" / "runs").iterdir())
    for arguments, sentence in WRONG:
        said = shell("run", suite, "--base-url", url, *arguments, code=2)
        assert sentence in said.err
    assert list((shell.folder / ".stepeval" / "runs").iterdir()) == before


def test_baselines_are_listed_shown_and_removed(shell: Shell, suite: str, url: str) -> None:
    secret = "sk-secret-value-0123456789"
    run = ("run", suite, "--base-url", url, "--limit", "3", "--no-report", "--key-env", "MY_KEY")
    for _ in range(2):
        shell(*run, env={"MY_KEY": secret})
    runs = sorted(path.name for path in (shell.folder / ".stepeval" / "runs").iterdir())
    said = shell("baseline", "set", "main", *runs)
    assert "2 runs, 1 arm, 3 items, each asked 2x" in said.out
    text = (shell.folder / "baselines" / "main.baseline.json").read_text("utf-8")
    assert secret not in text
    assert str(shell.folder) not in text
    shown = shell("baseline", "show", "main", "--json").json()
    assert shown["arms"][0]["answers"] == 6
    assert shell("baseline", "list").out.startswith("main  SIMULATED  sums: 2 runs")
    assert "1 answers" not in shell("baseline", "show", "main").out
    shell("gate", runs[0], "--baseline", runs[1], code=3)
    assert "did you mean 'main'" in shell("baseline", "remove", "mian", code=2).err
    shell("baseline", "remove", "main")
    assert "no baseline in baselines yet" in shell("baseline", "list").out


def test_runs_that_are_not_of_one_kind_make_no_baseline(shell: Shell, suite: str, url: str) -> None:
    run = ("run", suite, "--base-url", url, "--limit", "3", "--no-report")
    shell(*run)
    shell(*run, "--set", "reasoning_effort=low")
    shell(*run, "--max-requests", "1", code=4)
    one, other, cut = sorted(
        (path.name for path in (shell.folder / ".stepeval" / "runs").iterdir()),
        key=lambda name: RunReader(run_path(shell, name)).info().created_at,
    )
    said = shell("baseline", "set", "main", one, other, code=2)
    assert "do not ask the same of the same arms" in said.err
    assert "lacks 2 of 3 answers" in shell("baseline", "set", "main", cut, code=2).err
    assert "is no name of a baseline" in shell("baseline", "set", "../up", one, code=2).err
    assert not (shell.folder / "baselines").exists()


def run_path(shell: Shell, name: str) -> Path:
    return shell.folder / ".stepeval" / "runs" / name
