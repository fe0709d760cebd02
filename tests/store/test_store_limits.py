"""The limits that were in force are kept in their order."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stepeval.core.errors import StoreError
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


@pytest.mark.parametrize("level", ["'many'", "9e999", "x'00ff'", "-1e300"])
def test_limits_in_a_strangers_file_are_numbers_or_said_to_be_none(
    tmp_path: Path, level: str
) -> None:
    create_run(tmp_path, INFO, SUITE).close()
    with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as connection:
        connection.execute(
            "INSERT INTO limit_changes (at, provider, kind, level, used, why) "
            f"VALUES (1.0, 'p', 'concurrency', {level}, 1.0, 'known')"
        )
        connection.commit()
    with pytest.raises(StoreError, match="its limits cannot be read"):
        RunReader(tmp_path / "run").limit_changes()
