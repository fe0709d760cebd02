"""The limits that were in force are kept in their order."""

from pathlib import Path

from stepeval.core.limits import LimitChange
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite
from stepeval.store.run import RunReader, create_run

INFO = RunInfo("run", "s", "h", Mode.SIMULATED, 1000.0, "host", {}, "stepeval run")
SUITE = Suite(
    "s",
    (Provider("p", "http://h"),),
    (Prompt("q", ()),),
    (Sample("0", "x"),),
    (Arm("a", "p", "m", "q"),),
)


def test_changes_are_read_back_as_they_were_noted(tmp_path: Path) -> None:
    changes = (
        LimitChange(1000.5, "p", "concurrency", 4.0, 0.0, "known"),
        LimitChange(1002.25, "p", "requests_per_minute", 400.0, 400.0, "refused"),
    )
    with create_run(tmp_path, INFO, SUITE) as store:
        for change in changes:
            store.add_limit_change(change)
    assert RunReader(tmp_path / "run").limit_changes() == changes
