"""A benchmark of the simulator over real sockets, stored, and summarised from its file."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stepeval.api.load_summary import is_load, load_json, load_summary
from stepeval.api.report import write_report
from stepeval.client.transport import Client
from stepeval.core.chat import Message, Response, Usage
from stepeval.core.load import Health, LoadPlan, Objective, Phase, Shape
from stepeval.core.record import Attempt, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import running
from stepeval.store.run import RunEvent, RunReader, RunStore, create_run
from stepeval.suite.requests import make_request

COUNT, EVERY_NS = 40, 15_000_000
PLAN = LoadPlan(
    Shape.CONSTANT, (1e9 / EVERY_NS,), COUNT, None, "no request",
    objectives=(Objective("e2e", 60_000.0),),
)  # fmt: skip
ARM = Arm("sim", "stepfun", "step-3.5-flash", "plain", {"stream": True})
SAMPLES = tuple(Sample(str(n), f"Count to {n}.") for n in range(COUNT))


def _suite(base_url: str) -> Suite:
    asked = Prompt("plain", (Message("user", "{{ input }}"),))
    return Suite("bench", (Provider("stepfun", base_url),), (asked,), SAMPLES, (ARM,))


async def _bench(suite: Suite, store: RunStore) -> None:
    """A constant rate, as plainly as it can be written."""
    make = make_request(suite)
    begin = time.monotonic_ns() + 20_000_000
    async with Client(suite.providers, {}, mode=Mode.SIMULATED) as client:

        async def one(place: int) -> None:
            cell, due = Cell(str(place), ARM, SAMPLES[place]), begin + place * EVERY_NS
            await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            started = time.monotonic_ns()
            exchange = await client(make(cell), scheduled_ns=due)
            attempt = Attempt(1, time.time(), started, time.monotonic_ns(), exchange)
            await store.add_attempt(cell, attempt, final=True)

        await asyncio.gather(*map(one, range(COUNT)))
    end, health = begin + COUNT * EVERY_NS, (Health((50,) * 500, 0.1, 0.6),)
    store.add_phase(Phase(0, 0, PLAN.loads[0], begin, begin, end, time.monotonic_ns(), health))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    info = RunInfo("bench", "bench", "h", Mode.SIMULATED, 1.0, "h", {}, "stepeval bench", load=PLAN)
    folder = tmp_path_factory.mktemp("load")
    with ExitStack() as stack:
        simulator = stack.enter_context(running(SimulatorConfig(speed=Speed(scale=0.2)), {}))
        suite = _suite(simulator.base_url)
        with create_run(folder, info, suite) as store:
            asyncio.run(_bench(suite, store))
            store.finish(RunEvent.COMPLETED, 2.0)
        yield folder / "bench"


def test_what_went_over_the_wire_is_what_the_summary_counts(stored: Path) -> None:
    assert is_load(stored)
    (cell,) = load_summary(stored).cells
    found = cell.pooled
    usages = [record.result.usage for record in RunReader(stored).records()
              if isinstance(record.result, Response)]  # fmt: skip
    assert (found.attempted, found.answered, found.failed) == (COUNT, COUNT, 0)
    assert found.due_rate == pytest.approx(PLAN.loads[0])
    assert [found.metrics[name].n for name in ("ttft", "e2e", "response")] == [COUNT] * 3
    assert found.tokens_per_s is not None
    assert 0 < found.tokens_per_s * found.window_s <= _output(usages)
    assert found.good is not None
    assert found.good.value == 1.0


def _output(usages: list[Usage]) -> int:
    return sum(usage.output_tokens or 0 for usage in usages)


def test_times_are_in_their_order(stored: Path) -> None:
    (cell,) = load_summary(stored).cells
    longest = {name: spread.longest or 0.0 for name, spread in cell.pooled.metrics.items()}
    assert 0 < longest["ttft"] <= longest["ttfa"] <= longest["e2e"] <= longest["response"]
    assert cell.pooled.lag.longest is not None
    assert cell.pooled.lag.longest >= 0


def test_the_certificate_has_every_chunk(stored: Path) -> None:
    (found,) = load_summary(stored).certificates
    chunks = sum(
        len(record.result.timing.chunks)
        for record in RunReader(stored).records()
        if isinstance(record.result, Response)
    )
    assert sum(found.stamps.values()) == chunks
    assert found.holds == "p50"


def test_a_stored_benchmark_has_a_report_and_a_form_for_scripts(
    stored: Path, tmp_path: Path
) -> None:
    data = load_json(load_summary(stored))
    assert data["info"]["load"]["shape"] == "constant"
    page = write_report(stored, tmp_path / "report.html").read_text("utf-8")
    assert 'id="load"' in page
