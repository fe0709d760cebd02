"""What a run came to, for the service that shows it to others."""

import os
from collections.abc import Iterator
from pathlib import Path

from stepeval.analysis.checks import Checked, Kind
from stepeval.analysis.gate_words import gate_sentence
from stepeval.analysis.gated import Gated
from stepeval.api.checks import check_run
from stepeval.api.gate import exit_code, judge
from stepeval.core.errors import ExitCode, StoreError
from stepeval.exchange.github import annotation, annotations, fits, summary
from stepeval.exchange.junit import junit_xml

__all__ = ["annotate_test", "junit", "tell_github", "write_junit"]


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


def tell_github(path: Path, gated: Gated | None = None) -> Iterator[str]:
    """Adds to the summary of the step, and gives the lines that annotate files: to be printed as
    they are. ``gated``: what a gate found; None: the run's own gate is asked.
    """
    found = check_run(path)
    gated = judge(path) if gated is None else gated
    trouble = _add_summary(found, None if gated is None else gate_sentence(gated))
    if trouble is not None:
        yield trouble
    if gated is not None and not any(check.kind is Kind.GATE for check in found.checks):
        yield from _verdict(gated)
    yield from annotations(found.checks, Path(os.environ.get("GITHUB_WORKSPACE", ".")).resolve())


def _verdict(gated: Gated) -> Iterator[str]:
    """Where no check says it already."""
    code = exit_code(gated)
    if code is not ExitCode.OK:
        level = "error" if code is ExitCode.REGRESSED else "warning"
        yield annotation(gate_sentence(gated), level=level, title="gate")


def annotate_test(message: str, *, title: str, file: str, line: int | None) -> str:
    """Of a test that failed, whoever ran it."""
    return annotation(message, title=title, file=file, line=line)


def _add_summary(found: Checked, verdict: str | None) -> str | None:
    """Why it was not, None where it was or nobody reads one."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return None
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            text = summary(found, verdict)
            if not fits(text, file.tell()):
                full = "The summary of this step is full, so one run is not in it."
                return annotation(full, level="notice")
            file.write(text)
    except OSError as error:
        return f"the summary of this step cannot be written: {error.strerror}"
    return None
