"""The suites that come with the package: one copy, in ``suites/`` of the source tree."""

from pathlib import Path

import stepeval
from stepeval.core.errors import UnknownName

_PACKAGE = Path(stepeval.__file__).parent


def bundled_suites() -> dict[str, Path]:
    """Name to file. A source checkout's own folder wins over the installed copy of it."""
    checkout = _PACKAGE.parent / "suites"
    is_checkout = (_PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir()
    folder = checkout if is_checkout else _PACKAGE / "bundled"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def bundled_suite(name: str) -> Path:
    """Raises UnknownName, with the nearest bundled name."""
    suites = bundled_suites()
    if name not in suites:
        raise UnknownName("bundled suite", name, suites)
    return suites[name]
