"""Where the parts of a suite stand in its files: what a failing test points at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stepeval.suite.dataset import sample_places
from stepeval.suite.findings import Place
from stepeval.suite.loader import file_reader, suite_text
from stepeval.suite.schema import DatasetEntry
from stepeval.suite.yaml_tree import Node, place_of, plain, read_yaml


@dataclass(frozen=True, slots=True)
class SuitePlaces:
    """``samples`` by id, in whatever file their rows stand; ``rules`` in the suite's order.

    ``expect`` has the keys of that section. ``dataset`` stands in for what is not there.
    """

    dataset: Place
    samples: Mapping[str, Place]
    rules: tuple[Place, ...]
    expect: Mapping[str, Place]

    def sample(self, name: str) -> Place:
        """Within the suite's own file."""
        found = self.samples.get(name, self.dataset)
        return found if found.file == self.dataset.file else self.dataset

    def expectation(self, key: str) -> Place:
        return self.expect.get(key, self.dataset)


def read_places(path: Path) -> SuitePlaces:
    """Of a suite that was loaded. Raises SuiteError: the file has changed, and is none any more."""
    root = read_yaml(suite_text(path), str(path))
    scoring, expect = root.get("scoring"), root.get("expect")
    return SuitePlaces(
        dataset=place_of(root, ("dataset",), key=True),
        samples=_samples(root.get("dataset"), path),
        rules=tuple(node.place for node in scoring.elements()) if scoring else (),
        expect={name: place for name, place, _ in expect.items()} if expect else {},
    )


def _samples(node: Node | None, path: Path) -> dict[str, Place]:
    if node is None:
        return {}
    entry: DatasetEntry | list[Any] = []
    try:
        if not isinstance(node.value, list):
            entry = DatasetEntry.model_validate(plain(node))
    except ValidationError:
        return {}
    return sample_places(entry, node, file_reader(path.parent))
