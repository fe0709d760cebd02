"""The page on the simulator and the simulator itself name the same things."""

import re
from dataclasses import fields
from pathlib import Path

from stepeval.simulator.faults import FAULTS
from stepeval.simulator.truth import Truth

_PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")


def _first_cells(heading: str) -> set[str]:
    section = _PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_fault_is_documented_and_no_other() -> None:
    assert _first_cells("Faults") == set(FAULTS)


def test_every_field_of_the_truth_log_is_documented() -> None:
    assert _first_cells("The truth log") == {field.name for field in fields(Truth)}
