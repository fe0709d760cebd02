"""Names for classes and functions, imported when they are first asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from stepeval.core.errors import UnknownName


class Registry(Mapping[str, Any]):
    """``table`` maps a name to its home, written ``package.module:attribute``."""

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self._table = dict(table)

    def __getitem__(self, name: str) -> Any:
        """Raises UnknownName, with the nearest known name."""
        if name not in self._table:
            raise UnknownName(self.kind, name, self._table)
        module, _, attribute = self._table[name].partition(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)
