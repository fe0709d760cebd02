"""A run's report, or a comparison, becomes one HTML file that needs and asks for nothing else."""

import base64
import hashlib
import os
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from stepeval.core.errors import StoreError
from stepeval.report.comparison_view import ComparisonPage
from stepeval.report.history_view import HistoryPage
from stepeval.report.text import clean
from stepeval.report.view import ReportData

_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    b'<path d="M1 14h4v-4h5V6h5V2" fill="none" stroke="#2a5db0" stroke-width="2.4"/></svg>'
)


def render_page(report: ReportData) -> str:
    """The page as text. Equal reports give equal pages."""
    return _render("report.html.j2", report=report)


def render_comparison(page: ComparisonPage) -> str:
    """As :func:`render_page`, of arms or runs that are compared."""
    return _render("comparison.html.j2", page=page)


def render_history(page: HistoryPage) -> str:
    """As :func:`render_page`, of a suite over its runs."""
    return _render("history.html.j2", page=page)


def _render(template: str, **views: Any) -> str:
    style = _read("report.css")
    return (
        _templates()
        .get_template(template)
        .render(
            **views,
            style=Markup(style),  # noqa: S704 - a file of this package
            policy=Markup(content_policy(style)),  # noqa: S704 - a hash between constants
            icon="data:image/svg+xml;base64," + base64.b64encode(_ICON).decode(),
        )
    )


def content_policy(style: str) -> str:
    """Forbids everything but this very style sheet and images within the file."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def write_page(html: str, path: Path) -> None:
    """Puts the page at ``path`` as a whole, or leaves what was there.

    Raises:
        StoreError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(html.encode())
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.replace(name, path)  # noqa: PTH105 - Path.replace would be the same call
        except BaseException:
            os.unlink(name)  # noqa: PTH108 - the name mkstemp gave
            raise
    except OSError as error:
        raise StoreError(f"the report cannot be written to {path}: {error.strerror}") from error


def _umask() -> int:
    """Reading the umask means setting it, so it is set back at once."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["drawing"] = Markup  # for what stepeval.report.svg made, and nothing else
    return environment


def _cleaned(value: Any) -> Any:
    """What every value passes on its way into the page, before it is escaped."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else clean(value)


def _read(name: str) -> str:
    return (files("stepeval.report") / "templates" / name).read_text("utf-8")
