"""What a run came to, for the service that shows it to others."""

import os
from collections.abc import Iterator
from pathlib import Path

from stepeval.analysis.checks import Checked
from stepeval.analysis.gate_words import gate_sentence
from stepeval.api.checks import check_run
from stepeval.api.gate import judge
from stepeval.core.errors import StoreError
from stepeval.exchange.github import annotations, fits, summary
from stepeval.exchange.junit import junit_xml

__all__ = ["junit", "tell_github", "write_junit"]


def junit(path: Path) -> str:
    """The run's checks as JUnit XML."""
    return junit_xml(check_run(path))


def write_junit(path: Path, out: Path) -> None:
    """Raises StoreError: it cannot be written there."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(junit(path), "utf-8")
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error.strerror}") from error


def tell_github(path: Path, verdict: str | None = None) -> Iterator[str]:
    """Adds to the summary of the step, and gives the lines that annotate files: to be printed as
    they are. ``verdict`` is a gate's sentence; without one it is that of the run's own gate.
    """
    found = check_run(path)
    own = judge(path) if verdict is None else None
    verdict = verdict if own is None else gate_sentence(own)
    trouble = _add_summary(found, verdict)
    if trouble is not None:
        yield trouble
    yield from annotations(found.checks, Path(os.environ.get("GITHUB_WORKSPACE", ".")).resolve())


def _add_summary(found: Checked, verdict: str | None) -> str | None:
    """Why it was not, None where it was or nobody reads one."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return None
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            text = summary(found, verdict)
            if not fits(text, file.tell()):
                return "::notice::The summary of this step is full, so one run is not in it."
            file.write(text)
    except OSError as error:
        return f"the summary of this step cannot be written: {error.strerror}"
    return None
