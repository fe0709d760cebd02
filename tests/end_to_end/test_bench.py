"""Load benchmarks over real sockets: what is sent, when, and what is made of it."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from program import Said, Serve, Shell

from stepeval.core.chat import Failure, FailureKind, Response
from stepeval.core.load import Phase, Shape
from stepeval.core.record import Record
from stepeval.simulator.speed import Speed
from stepeval.store.run import RunReader

SYNTHETIC = ("bench", "--model", "step-3.7-flash", "--input-tokens", "40", "--output-tokens", "12")
QUIET = ("--no-report",)
SUITE = """
stepeval: 1
name: two-arms
defaults: {model: step-3.7-flash, stream: true, max_tokens: 40}
grid: {reasoning_effort: [low, high]}
dataset: [{id: a, input: one, target: 1}, {id: b, input: two, target: 2}]
scoring: [numeric]
"""


def reader(shell: Shell) -> RunReader:
    return RunReader(shell.run_folder())


def due_ns(record: Record) -> int:
    timing = record.attempts[0].exchange.result.timing
    assert timing is not None
    assert timing.scheduled_ns is not None
    return timing.scheduled_ns


def measured(run: RunReader, phase: Phase) -> list[Record]:
    found = [r for r in run.records() if phase.steady_ns <= due_ns(r) < phase.end_ns]
    return sorted(found, key=due_ns)


@contextmanager
def stalling(begin_s: float, end_s: float) -> Iterator[str]:
    """The URL of a server that is silent from one time after its first request to another."""
    body = json.dumps(
        {"id": "1", "choices": [{"index": 0, "message": {"content": "42"}}], "usage": {}}
    ).encode()
    first: list[float] = []

    async def answer(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        while asked := await read.readuntil(b"\r\n\r\n"):
            length = re.search(rb"content-length: (\d+)", asked, re.IGNORECASE)
            await read.readexactly(int(length[1]) if length else 0)
            now = time.monotonic()
            first.append(now)
            if begin_s <= now - first[0] < end_s:
                await asyncio.sleep(first[0] + end_s - now)
            kind = "Content-Type: application/json"
            head = f"HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            write.write(head.encode() + body)

    async def serve() -> None:
        talking: set[asyncio.Task[None]] = set()

        async def quietly(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talking.add(task)
            with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
                await answer(read, write)
            write.close()
            with suppress(OSError, asyncio.CancelledError):
                await write.wait_closed()
            talking.discard(task)

        server = await asyncio.start_server(quietly, "127.0.0.1", 0)
        stop = asyncio.Event()
        port = server.sockets[0].getsockname()[1]
        started.set_result((asyncio.get_running_loop(), stop, port))
        await stop.wait()
        server.close()
        for task in tuple(talking):
            task.cancel()
        await asyncio.gather(*talking)

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, stop, port = started.result()
    yield f"http://127.0.0.1:{port}/v1"
    loop.call_soon_threadsafe(stop.set)
    thread.join()


def test_a_server_that_stalls_cannot_hide_what_it_delays(shell: Shell) -> None:
    """A client that waits would send a few requests into the stall, and find the rest fast."""
    with stalling(0.5, 1.5) as url:
        shell(
            *SYNTHETIC, *QUIET, "--base-url", url, "--set", "stream=false",
            "--rate", "100", "--requests", "200", "--warmup", "0",
        )  # fmt: skip
    run = reader(shell)
    (phase,) = run.phases()
    records = measured(run, phase)
    assert len(records) == 200
    gaps = {due_ns(b) - due_ns(a) for a, b in pairwise(records)}
    assert gaps == {10_000_000}
    delays = []
    for record in records:
        result = record.result
        assert isinstance(result, Response)
        assert result.timing.done_ns is not None
        delays.append((result.timing.done_ns - due_ns(record)) / 1e9)
    late = [delay for delay in delays if delay > 0.25]
    assert 60 <= len(late) <= 110  # of 100 due within the stall, three quarters wait so long
    assert max(delays) > 0.9


def test_warm_up_and_drain_are_sent_and_stored_and_not_measured(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=30, itl_ms=0.1))
    said = shell(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--json",
        "--concurrency", "4", "--warmup", "10", "--requests", "30",
    ).json()  # fmt: skip
    run = reader(shell)
    (phase,) = run.phases()
    assert len(list(run.records())) == len(bodies(server)) == 40
    assert len(measured(run, phase)) == said["cells"][0]["pooled"]["attempted"] == 30
    assert phase.begin_ns < phase.steady_ns < phase.end_ns < phase.drained_ns
    assert phase.health[0].lags_us
    assert phase.health[0].cpu_s > 0
    assert run.status().state == "complete"


def test_all_arms_are_measured_in_the_same_moments(shell: Shell, serve: Serve) -> None:
    shell.suite(SUITE)
    shell(
        "bench", "suite.yaml", *QUIET, "--base-url", serve().base_url,
        "--rate", "50", "--requests", "40", "--warmup", "0",
    )  # fmt: skip
    run = reader(shell)
    arms = [record.cell.arm.name for record in measured(run, run.phases()[0])]
    for place in range(0, 40, 2):
        assert {arms[place], arms[place + 1]} == {"low", "high"}
    assert len({tuple(arms[place : place + 2]) for place in range(0, 40, 2)}) == 2
    assert len(list(run.scores())) == 40  # after measuring, the suite's rules have their say


def test_a_sweep_is_a_phase_for_each_load_and_repeat(shell: Shell, serve: Serve) -> None:
    shell(
        *SYNTHETIC, *QUIET, "--base-url", serve().base_url,
        "--sweep", "1,3", "--requests", "6", "--repeats", "2",
    )  # fmt: skip
    run = reader(shell)
    assert [(p.number, p.repeat, p.load) for p in run.phases()] == [
        (0, 0, 1), (1, 0, 3), (0, 1, 1), (1, 1, 3),
    ]  # fmt: skip
    for before, after in pairwise(run.phases()):
        assert before.drained_ns <= after.begin_ns
    assert all(len(measured(run, phase)) == 6 for phase in run.phases())


def test_a_search_stops_at_what_the_server_can_do(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=20, itl_ms=0.1))
    asked = (*SYNTHETIC, *QUIET, "--base-url", server.base_url, "--warmup", "0")
    within = (*asked, "--find-rate", "60:80", "--requests", "80")
    found = shell(*within, "--slo", "ttft=30s", "--json").json()
    assert found["best"] == 80
    assert found["bracket"]["missed"] is None
    assert found["bracket"]["kept"]["n"] >= 160, "what was found is confirmed by as many again"
    numbers = {(p.number, p.load) for p in reader(shell).phases()}
    assert numbers == {(0, 60), (1, 80), (2, 80)}
    runs = shell.folder / ".stepeval" / "runs"
    missed = shell(
        *asked, "--find-rate", "20:40", "--slo", "ttft=1ms", "--requests", "20",
        "--runs", str(runs.parent / "b"),
    )  # fmt: skip
    assert "highest rate within the objectives: none of the rates tried" in missed.out
    assert "20/s: broken, 0.0% within the objectives (n = 20)" in missed.err
    assert "hint: p95 needs 90 requests and p99 459; 20 are asked for" in missed.err
    last = missed.out.splitlines()[-1]
    assert last.startswith("No load kept TTFT 1 ms: best 0.0% at 20 requests/s")


def test_arrivals_are_replayed_from_a_file_and_from_a_run(shell: Shell, serve: Serve) -> None:
    (shell.folder / "trace.csv").write_text("seconds\n7.0\n7.1\n7.4\n", "utf-8")
    asked = (*SYNTHETIC, *QUIET, "--base-url", serve().base_url)
    shell(*asked, "--replay", "trace.csv", "--replay-speed", "2")
    shell(*asked, "--replay", "latest", "--runs", ".stepeval/runs")
    for folder in (shell.folder / ".stepeval" / "runs").iterdir():
        run = RunReader(folder)
        begin = run.phases()[0].begin_ns
        assert sorted(due_ns(record) - begin for record in run.records()) == [
            0, 50_000_000, 200_000_000,
        ]  # fmt: skip


def test_workers_share_the_schedule_and_merge_to_the_last_record(
    shell: Shell, serve: Serve
) -> None:
    server = serve(speed=Speed(ttft_ms=20, itl_ms=0.1))
    said = shell(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--json", "--workers", "2",
        "--rate", "60", "--requests", "50", "--warmup", "10",
    ).json()  # fmt: skip
    run = reader(shell)
    (phase,) = run.phases()
    records = list(run.records())
    assert len(records) == len(bodies(server)) == 60
    assert len({record.cell.id for record in records}) == 60
    step = 1e9 / 60
    assert sorted(due_ns(r) - phase.begin_ns for r in records) == [
        round(n * step) for n in range(60)
    ]
    assert len(measured(run, phase)) == said["cells"][0]["pooled"]["attempted"] == 50
    assert len(phase.health) == 2
    assert all(health.lags_us for health in phase.health)
    assert sorted(r.attempts[0].exchange.body.encode() for r in records) == sorted(bodies(server))


def test_workers_split_a_closed_loop(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=20, itl_ms=0.1))
    shell(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", "2",
        "--concurrency", "5", "--requests", "41",
    )  # fmt: skip
    run = reader(shell)
    assert len(list(run.records())) == len(bodies(server)) == 46
    assert 40 <= len(measured(run, run.phases()[0])) <= 41


def test_what_one_worker_is_slow_to_send_the_other_one_sends(shell: Shell, serve: Serve) -> None:
    """With fixed shares, what the slower one has left when the other has ended is wasted."""
    server = serve(speed=Speed(ttft_ms=10, itl_ms=3))
    shell(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", "2",
        "--concurrency", "3", "--requests", "80",
    )  # fmt: skip
    run = reader(shell)
    assert len(bodies(server)) == 83
    assert len(measured(run, run.phases()[0])) >= 79  # one may be taken at the very end


def test_a_worker_that_dies_ends_the_run_and_loses_nothing(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=20, itl_ms=0.1))
    process = shell.start(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", "2",
        "--rate", "40", "--duration", "60s",
    )  # fmt: skip
    wait_for_records(shell, 20)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "of 2 was killed by signal 9" in err
    assert "Traceback" not in err
    run = reader(shell)
    assert run.status().state == "incomplete"
    assert len(list(run.records())) >= 20
    assert intact(shell)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_reports_what_was_measured(shell: Shell, serve: Serve, workers: str) -> None:
    server = serve(speed=Speed(ttft_ms=60, itl_ms=0.1))
    process = shell.start(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", workers,
        "--rate", "40", "--duration", "60s", "--warmup", "5",
    )  # fmt: skip
    wait_for_records(shell, 20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "40/s" in out
    assert "Traceback" not in err
    run = reader(shell)
    (phase,) = run.phases()
    assert len(list(run.records())) == len(bodies(server))  # what was under way was waited for
    left_out = len(bodies(server)) - 5 - len(measured(run, phase))
    assert 0 <= left_out <= (0 if workers == "1" else 5)  # sent when the other had stopped
    refused = shell("resume", "latest", code=2)
    assert "measured whole or not at all" in refused.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_hung_when_it_was_cut_is_counted_and_not_forgotten(shell: Shell, workers: str) -> None:
    """Else a server that hangs looks perfect: only what it answered before would be left."""
    with stalling(3, 60) as url:
        process = shell.start(
            *SYNTHETIC, *QUIET, "--base-url", url, "--set", "stream=false", "--workers", workers,
            "--rate", "40", "--duration", "60s", "--warmup", "0", "--slo", "e2e=500ms",
        )  # fmt: skip
        wait_for_records(shell, 10)
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "highest load within e2e 500 ms (95% of requests): 40/s" not in out
    run = reader(shell)
    (phase,) = run.phases()
    results = [record.result for record in measured(run, phase)]
    cut = [result for result in results if isinstance(result, Failure)]
    assert {result.kind for result in cut} == {FailureKind.CUT}
    assert len(cut) > 40
    assert all(result.timing is not None and result.timing.sent_ns for result in cut)


def test_a_kill_leaves_a_run_that_can_be_read(shell: Shell, serve: Serve) -> None:
    server = serve(speed=Speed(ttft_ms=20, itl_ms=0.1))
    process = shell.start(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", "2",
        "--rate", "40", "--duration", "60s",
    )  # fmt: skip
    wait_for_records(shell, 20)
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=60)
    assert len(list(reader(shell).records())) >= 20
    assert intact(shell)
    assert "requests recorded, no load finished" in shell("show", "latest").out
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in workers):  # they end with the process that started them
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_prompts_are_as_sent_and_a_prefix_makes_each_new(shell: Shell, serve: Serve) -> None:
    shell.suite(SUITE)
    server = serve()
    shell(
        "bench", "suite.yaml", *QUIET, "--base-url", server.base_url, "--unique-prefix",
        "--concurrency", "2", "--requests", "10",
    )  # fmt: skip
    run = reader(shell)
    recorded = [record.attempts[0].exchange.body for record in run.records()]
    assert sorted(body.encode() for body in recorded) == sorted(bodies(server))
    texts = [json.loads(body)["messages"][0]["content"] for body in recorded]
    assert all(re.fullmatch(r"\[[0-9a-f]{16}\] (one|two)", text) for text in texts)
    assert len(set(texts)) == len(texts) == 12
    plan = run.info().load
    assert plan is not None
    assert plan.unique_prefix


def test_the_plan_is_kept_and_a_calibration_with_it(shell: Shell) -> None:
    cache = {"XDG_CACHE_HOME": str(shell.folder / "cache")}
    told = shell("bench", "--calibrate", "--json", env=cache).json()
    assert told["requests_per_s"] > 0
    assert told["chunks_per_s"] > 0
    assert told["cpu_us_per_chunk"] > 0
    kept = shell.folder / "cache" / "stepeval" / "ceiling.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    shell(*SYNTHETIC, *QUIET, "--simulate", "--rate", "20", "--requests", "5", "--warmup", "0",
          "--arrivals", "poisson", "--seed", "4", "--slo", "ttft=1s", env=cache)  # fmt: skip
    plan = reader(shell).info().load
    assert plan is not None
    assert (plan.shape, plan.loads, plan.requests, plan.seed) == (Shape.POISSON, (20,), 5, 4)
    assert plan.ceiling is not None
    assert plan.ceiling.chunks_per_s == told["chunks_per_s"]


@pytest.mark.parametrize(
    "option",
    [("--rate", "5"), ("--requests", "5"), ("--model", "m"), ("--simulate",), ("suite.yaml",)],
)
def test_a_calibration_takes_no_load(shell: Shell, option: tuple[str, ...]) -> None:
    """It would be passed over in silence."""
    said = shell("bench", "--calibrate", *option, code=2)
    name = option[0] if option[0].startswith("-") else "a suite"
    assert f"takes --workers and --json, and not {name}" in said.err


def test_nothing_measured_is_no_success(shell: Shell, serve: Serve) -> None:
    """All of a trace may be warm-up."""
    (shell.folder / "trace.csv").write_text("0\n0.01\n0.02\n", "utf-8")
    said = shell(*SYNTHETIC, *QUIET, "--base-url", serve().base_url, "--replay", "trace.csv",
                 "--warmup", "3", code=4)  # fmt: skip
    assert "3 requests recorded" in said.out
    assert "3 recorded arrivals over 0.02 s" in said.err


def test_numbers_no_schedule_can_follow_are_refused_before_a_run_is_made(shell: Shell) -> None:
    gamma = ("--rate", "5", "--arrivals", "gamma")
    for wrong in ((*gamma, "--burstiness", "nan"), ("--rate", "inf"), ("--rate", "1e-300")):
        said = shell(*SYNTHETIC, "--simulate", *wrong, code=2)
        assert len(said.err.strip().splitlines()) == 1
    assert not (shell.folder / ".stepeval").exists()


def test_a_bound_that_is_no_number_is_sent_and_shown(shell: Shell, serve: Serve) -> None:
    shell("bench", "--model", "mine", "--input-tokens", "40", "--output-tokens", "12", "--base-url",
          serve().base_url, "--requests", "8", "--set", "max_tokens=abc", code=5)  # fmt: skip
    shell("show", "latest")
    shell("report", "latest")


def test_requests_that_fail_are_data_and_are_not_tried_again(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"500": 0.3})
    shell(*SYNTHETIC, *QUIET, "--base-url", server.base_url, "--concurrency", "2",
          "--requests", "30")  # fmt: skip
    records = list(reader(shell).records())
    assert len(records) == len(bodies(server)) == 32
    failed = [r for r in records if not isinstance(r.result, Response)]
    assert failed
    assert all(len(r.attempts) == 1 for r in failed)


def test_retries_are_made_when_asked_for(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"500": 0.3})
    shell(*SYNTHETIC, *QUIET, "--base-url", server.base_url, "--concurrency", "4",
          "--requests", "12", "--retries", "3")  # fmt: skip
    assert len(bodies(server)) > 16
    assert len(list(reader(shell).records())) == 16


def test_a_server_that_refuses_everything_ends_the_run(shell: Shell, serve: Serve) -> None:
    said = shell(*SYNTHETIC, *QUIET, "--base-url", serve(fault_rates={"402": 1.0}).base_url,
                 "--rate", "50", "--duration", "60s", code=5)  # fmt: skip
    assert "balance" in said.err


def vocabulary(folder: Path) -> Path:
    words = {"[UNK]": 0, "the": 1}
    model = {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
    path = folder / "tokenizer.json"
    path.write_text(
        json.dumps({"version": "1.0", "model": model, "pre_tokenizer": {"type": "Whitespace"}}),
        "utf-8",
    )
    return path


def test_tokens_a_server_does_not_tell_are_counted_here_and_labelled(
    shell: Shell, serve: Serve
) -> None:
    server = serve(fault_rates={"no-usage": 0.5})
    shell(*SYNTHETIC, *QUIET, "--base-url", server.base_url, "--concurrency", "2",
          "--requests", "20", "--tokenizer", str(vocabulary(shell.folder)))  # fmt: skip
    run = reader(shell)
    silent = [
        r for r in run.records()
        if isinstance(r.result, Response) and r.result.usage.output_tokens is None
    ]  # fmt: skip
    counts = {count.cell_id: count for count in run.token_counts()}
    assert silent
    assert set(counts) == {record.cell.id for record in silent}
    for record in silent:
        assert isinstance(record.result, Response)
        words = sum(len(re.findall(r"\w+|[^\w\s]+", c.text)) for c in record.result.choices)
        count = counts[record.cell.id]
        assert count.output_tokens - count.reasoning_tokens == words
        assert count.input_tokens >= 20
    plan = run.info().load
    assert plan is not None
    assert re.fullmatch(r"tokenizer\.json sha256:[0-9a-f]{64}", plan.vocabulary or "")


def test_a_server_without_usage_has_figures_that_say_who_counted(
    shell: Shell, serve: Serve
) -> None:
    """From the wire to the page, a figure that rests on counts made here is named as that."""
    base_url = serve(fault_rates={"no-usage": 1.0}).base_url
    asked = (*SYNTHETIC, "--base-url", base_url, "--requests", "12", "--concurrency", "2")
    plain = shell(*asked, *QUIET, "--json", "--runs", "without")
    (cell,) = json.loads(plain.out)["cells"]
    assert cell["pooled"]["tokens_counted_by"] is None
    assert cell["pooled"]["tokens_per_s"] is None
    assert cell["pooled"]["lengths"]["output"]["mean"] is None

    said = shell(*asked, "--tokenizer", str(vocabulary(shell.folder)))
    assert "~ rests on tokens counted here with tokenizer.json sha256:" in said.out
    run = reader(shell)
    plan = run.info().load
    assert plan is not None
    label = plan.vocabulary
    found = json.loads(shell("show", "latest", "--json").out)["cells"][0]["pooled"]
    assert found["tokens_counted_by"] == label
    assert found["counted"]["provider"] == found["counted"]["nobody"] == 0
    lengths = found["lengths"]
    assert lengths["input"]["asked"] == 40
    assert lengths["output"]["asked"] == 12
    (phase,) = run.phases()
    own = {count.cell_id: count.output_tokens for count in run.token_counts()}
    outputs = [own[record.cell.id] for record in measured(run, phase)]
    assert lengths["output"]["mean"] == pytest.approx(sum(outputs) / len(outputs))
    assert found["metrics"]["tpot"]["n"] > 0
    assert 0 < found["tokens_per_s"] * found["window_s"] <= sum(own.values()) + 1e-6
    (report,) = (shell.folder / "reports").glob("*.html")
    page = report.read_text("utf-8")
    assert str(label) in page
    assert "~ rests on tokens that this client counted" in page


def test_a_search_for_a_rate_can_be_bound_by_the_time_per_token(shell: Shell, serve: Serve) -> None:
    """Counts are made before a rate is judged, or none would keep it."""
    base_url = serve(fault_rates={"no-usage": 1.0}).base_url
    said = shell(*SYNTHETIC, *QUIET, "--base-url", base_url, "--find-rate", "70:80",
                 "--requests", "20", "--warmup", "0", "--slo", "tpot=60s",
                 "--tokenizer", str(vocabulary(shell.folder)))  # fmt: skip
    shares = re.findall(r"70/s: \w+, (\d+)\.\d% within", said.err)
    assert shares
    assert all(int(share) >= 80 for share in shares)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bench",), "name a suite"),
        (("bench", "--model", "m"), "--input-tokens"),
        ((*SYNTHETIC, "--rate", "5", "--concurrency", "2"), "leave one out"),
        ((*SYNTHETIC, "--limit", "5"), "name a suite"),
        ((*SYNTHETIC, "--set", "temperature=9"), "temperature"),
        ((*SYNTHETIC, "--replay", "nothing-like-it"), "nothing-like-it"),
        ((*SYNTHETIC, "--tokenizer", "none.json"), "none.json"),
        ((*SYNTHETIC, "--workers", "99"), "64"),
        ((*SYNTHETIC, "--simulate", "--base-url", "http://127.0.0.1:1/v1"), "leave out"),
        (("bench", "suite.yaml", "--input-tokens", "5"), "without SUITE"),
        (("bench", "--calibrate", "--model", "m"), "--workers and --json"),
    ],
)
def test_mistakes_are_told_in_one_sentence_and_nothing_is_sent(
    shell: Shell, arguments: tuple[str, ...], told: str
) -> None:
    shell.suite(SUITE)
    said: Said = shell(*arguments, code=2)
    assert told in said.err
    assert not (shell.folder / ".stepeval").exists()


def test_workers_find_the_key_themselves_and_show_it_to_nobody(shell: Shell, serve: Serve) -> None:
    server = serve(require_key=True, speed=Speed(ttft_ms=20, itl_ms=0.1))
    process = shell.start(
        *SYNTHETIC, *QUIET, "--base-url", server.base_url, "--workers", "2",
        "--rate", "40", "--requests", "80", "--key-env", "OWN_KEY",
        env={"OWN_KEY": "canary-5eCr3t", "FOREIGN_TOKEN": "f"},
    )  # fmt: skip
    wait_for_records(shell, 5)
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(process.pid)]
    assert len(lines) == 2
    given = [Path(f"/proc/{pid}/environ").read_bytes() for pid in children(process.pid)]
    assert all(b"OWN_KEY=" in one and b"FOREIGN" not in one for one in given)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    stored = [path.read_bytes() for path in shell.run_folder().iterdir()]
    assert not any(b"5eCr3t" in text for text in (*lines, *stored, out.encode(), err.encode()))
    asked = [request for request in server.requests() if request.method == "POST"]
    assert {request.headers["authorization"] for request in asked} == {"Bearer canary-5eCr3t"}


def test_a_key_is_needed_before_a_run_is_made(shell: Shell) -> None:
    said = shell(*SYNTHETIC, code=5)
    assert "STEP_API_KEY" in said.err
    assert not (shell.folder / ".stepeval").exists()


def bodies(server: "object") -> list[bytes]:
    return [r.body for r in server.requests() if r.method == "POST"]  # type: ignore[attr-defined]  # the fixture's simulator


def wait_for_records(shell: Shell, at_least: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for database in shell.folder.glob(".stepeval/runs/*/run.db"):
            try:
                if RunReader(database.parent).status().finals >= at_least:
                    return
            except Exception:  # noqa: BLE001 -- it is being made at this moment
                pass
        time.sleep(0.02)
    raise AssertionError("the benchmark did not get going")


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in text.split()]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return False


def intact(shell: Shell) -> bool:
    connection = sqlite3.connect(shell.run_folder() / "run.db")
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()
