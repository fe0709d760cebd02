"""The folder of baselines, and how one is called by name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stepeval.core.baseline import Baseline
from stepeval.core.errors import UnknownName, UsageError
from stepeval.store.baseline import read_baseline, write_baseline

SUFFIX = ".baseline.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BaselinesFolder:
    """Files ``NAME.baseline.json`` directly below ``root``, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Where the baseline of this name is, or would be. Raises UsageError: it is no name."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} is no name of a baseline: take up to 64 letters, digits, '.', '_' "
                "and '-'"
            )
        return self.root / f"{name}{SUFFIX}"

    def names(self) -> list[str]:
        if not self.root.is_dir():
            return []
        found = (path.name.removesuffix(SUFFIX) for path in self.root.glob(f"*{SUFFIX}"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def write(self, baseline: Baseline) -> Path:
        """Replaces one of the same name. Raises StoreError."""
        path = self.path(baseline.name)
        write_baseline(baseline, path)
        return path

    def read(self, name: str) -> Baseline:
        """Called as its file is, whatever that says. Raises UsageError: there is none, or it cannot
        be used.
        """
        return replace(read_baseline(self._existing(name)), name=name)

    def each(self) -> Iterator[tuple[str, Baseline | UsageError]]:
        for name in self.names():
            try:
                yield name, self.read(name)
            except UsageError as error:
                yield name, error

    def remove(self, name: str) -> Path:
        """Raises UsageError: there is none, or it cannot be removed."""
        path = self._existing(name)
        try:
            path.unlink()
        except OSError as error:
            raise UsageError(f"{path}: cannot be removed: {error.strerror}") from None
        return path

    def _existing(self, name: str) -> Path:
        path = self.path(name)
        if not path.is_file():
            raise UnknownName("baseline", name, self.names())
        return path
