"""A stored run's HTML report."""

from pathlib import Path

from stepeval.analysis.gated import Gated
from stepeval.report.content import gather
from stepeval.report.page import render_page, write_page
from stepeval.store.run import RunReader


def write_report(path: Path, out: Path | None = None, gated: Gated | None = None) -> Path:
    """Writes ``reports/<run id>.html``, or ``out``; returns where it is.

    ``gated``: the page shows this verdict, in place of one that the run came to itself.
    """
    reader = RunReader(path)
    target = out or Path("reports") / f"{reader.info().id}.html"
    write_page(render_page(gather(reader, reader.status().reason, gated)), target)
    return target
