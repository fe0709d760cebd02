"""Who watches a bounded run is told what all of its sessions used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepeval.analysis.rows import sample_rows
from stepeval.api.guards import Guard
from stepeval.api.preparation import SuiteOptions
from stepeval.api.run import resume_run, start_run
from stepeval.api.sources import Sources
from stepeval.cli.progress import LineProgress, Tally
from stepeval.core.amounts import Money
from stepeval.core.record import Mode
from stepeval.core.task import Budget, Suite
from stepeval.store.run import RunReader

SUITE = "stepeval: 1\nname: s\ndefaults: {model: step-3.7-flash, max_tokens: 9}\nepochs: 12\n"
COMMON: dict[str, Any] = {
    "allow_code": False,
    "sources": Sources(),
    "announce": lambda _: None,
    "say": lambda _: None,
}


def test_a_resumed_run_begins_with_what_its_earlier_sessions_used(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"{SUITE}dataset: [{{input: x, target: x}}]\nscoring: [includes]\n")
    at_first: list[float] = []
    later: list[Callable[[], float]] = []

    def watch(used: Callable[[], float]) -> None:
        at_first.append(used())
        later.append(used)

    def guard(requests: int) -> Guard:
        return Guard(Budget(cost=Money(5, "USD"), requests=requests), watch=watch)

    def listener() -> LineProgress:
        return LineProgress(Tally(Suite("s", (), (), (), ()), Mode.REPLAY), quiet=True)

    options = SuiteOptions(path)
    started = start_run(
        options, folder=tmp_path / "runs", simulate=True, command="", guard=guard(5),
        listener=listener(), **COMMON,
    )  # fmt: skip
    resume_run(
        started.path, trust_base_url=False, guard=guard(99), listener=listener(), **COMMON
    )  # fmt: skip
    costs = [row.cost or 0.0 for row in sample_rows(RunReader(started.path))]
    assert len(costs) == 12
    assert at_first == [0.0, pytest.approx(later[0]())]
    assert 0 < at_first[1] < later[1]() == pytest.approx(sum(costs))
