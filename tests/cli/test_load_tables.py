"""A load benchmark on a terminal."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from load_runs import (
    PLAN,
    LoadRun,
    S,
    answered,
    counted,
    failed,
    made_load_run,
    phase,
    silent,
    stream,
)

from stepeval.analysis.load import load_of
from stepeval.cli.load_tables import _COLUMNS, _LEAST_NEEDED_FIRST, print_load
from stepeval.cli.main import cli
from stepeval.core.chat import Usage
from stepeval.core.load import Health, Objective, Shape
from stepeval.store.run import RunEvent, create_run


def shown(run: LoadRun, capsys: pytest.CaptureFixture[str]) -> str:
    print_load(load_of(run))
    return capsys.readouterr().out


def test_a_summary_has_its_figures_its_certificate_and_no_stamp(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(made_load_run(loads=(5.0, 20.0, 40.0), arms=("low",)), capsys)
    for part in ("SIMULATED", "20/s", "n too small", "goodput", "loop lag p99 0.1 ms", "ceiling"):
        assert part in text
    within = "highest load within ttft 600 ms (95% of requests): between 20/s (kept, n = "
    assert within in text
    assert " and 40/s (not kept by " in text
    assert "CLIENT-LIMITED" not in text


def test_a_client_that_kept_up_is_told_of_in_one_line_and_one_that_did_not_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = made_load_run(loads=(5.0, 20.0, 40.0), arms=("low",))
    text = shown(run, capsys)
    assert not any(line.isspace() or not line for line in text.splitlines())
    assert len([line for line in text.splitlines() if "loop lag" in line]) == 1
    assert "client kept up: loop lag" in text
    lame = replace(run.ran[1], health=(Health((30_000,) * 1000, 11.9, 12.0),))
    text = shown(replace(run, ran=(run.ran[0], lame, run.ran[2])), capsys)
    assert "  at 20/s: loop lag p99 30.0 ms" in text
    assert "  at 5/s" not in text


def test_a_client_that_was_the_limit_is_stamped_with_its_reasons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lame = (Health((30_000,) * 1000, 11.9, 12.0),)
    text = shown(made_load_run(loads=(5.0,), health=lame), capsys)
    assert "CLIENT-LIMITED" in text
    assert "the event loop woke 30.0 ms late at p99" in text


def test_requests_of_a_run_that_was_killed_are_not_denied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = made_load_run(loads=(5.0,)).kept
    text = shown(LoadRun(kept, ()), capsys)
    assert f"{len(kept)} requests recorded, no load finished" in text
    assert "no request was measured" in shown(LoadRun((), ()), capsys)


def test_a_window_that_is_too_short_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    at = phase()
    due = at.steady_ns
    short = replace(
        at, end_ns=due + 1, drained_ns=due + S, health=(Health((30_000,) * 9, 1.0, 1.0),)
    )
    text = shown(LoadRun((answered(due, stream(due)),), (short,)), capsys)
    assert "window too short to tell" in text
    assert "CLIENT-LIMITED" not in text
    assert ",000,000" not in text  # a request in a nanosecond is no rate


def test_counts_that_are_left_out_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    due = phase().steady_ns
    wrong = answered(due, stream(due), usage=Usage(100, 2**52))
    text = shown(LoadRun((wrong,), (phase(),)), capsys)
    assert "1 request with more than any text could hold; left out" in text


def test_a_closed_loop_has_no_due_rate_and_no_response_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(made_load_run(loads=(5.0,), shape=Shape.CLOSED), capsys)
    assert "5 in flight" in text
    assert "due/s" not in text
    assert "response" not in text


def test_failures_are_counted_by_kind_and_have_no_latency(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = phase()
    plan = replace(PLAN, objectives=(Objective("ttft", 10.0),))
    text = shown(LoadRun((failed(one.steady_ns),), (one,), plan), capsys)
    assert "failed, a at 5/s: 1 server" in text
    assert "(95% of requests): no load" in text
    assert "incomplete: 1 of the planned loads did not run" in text


def test_what_rests_on_tokens_counted_here_is_marked_and_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody shall take an estimate for what the server said."""
    one, begin = phase(), phase().steady_ns
    plan = replace(PLAN, vocabulary="tokenizer.json sha256:5f0c")
    lone = silent(begin)
    text = shown(LoadRun((lone,), (one,), plan, kept_counts=(counted(lone),)), capsys)
    for part in ("~2.5", " ~2 ", "~50", "~20"):
        assert part in text
    assert "~ rests on tokens counted here with tokenizer.json sha256:5f0c, not by" in text
    told = answered(begin + S, stream(begin + S))
    text = shown(LoadRun((lone, told), (one,), plan, kept_counts=(counted(lone),)), capsys)
    assert "tokens, a at 5/s: 1 answers counted by the server, 1 here, 0 by nobody" in text
    text = shown(LoadRun((told,), (one,), plan), capsys)
    assert "~" not in text


def test_an_arm_its_load_size_failures_and_tail_are_never_left_out() -> None:
    kept = set(range(len(_COLUMNS))) - set(_LEAST_NEEDED_FIRST)
    assert [_COLUMNS[n][0] for n in sorted(kept)] == ["arm", "load", "n", "failed", "TTFT p95"]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    run = made_load_run(loads=(5.0,), arms=("low",))

    async def write() -> None:
        with create_run(tmp_path, run.info(), run.suite()) as store:
            adding = [
                store.add_attempt(one.cell, one.attempts[0], final=True) for one in run.records()
            ]
            await asyncio.gather(*adding)
            store.add_phase(run.phases()[0])
            store.finish(RunEvent.COMPLETED, 1_790_000_020.0)

    asyncio.run(write())
    return tmp_path


def test_show_knows_a_load_benchmark_and_says_nothing_of_accuracy(stored: Path) -> None:
    done = CliRunner().invoke(cli, ["show", "latest", "--runs", str(stored)])
    assert done.exit_code == 0
    assert "goodput" in done.output
    assert "right" not in done.output
    data = CliRunner().invoke(cli, ["show", "latest", "--runs", str(stored), "--json"])
    found = json.loads(data.output)
    assert found["cells"][0]["pooled"]["attempted"] > 0
    listed = CliRunner().invoke(cli, ["runs", "--runs", str(stored)])
    assert "complete" in listed.output
