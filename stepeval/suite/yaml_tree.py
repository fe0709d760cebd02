"""YAML text as a tree that remembers where each key and value stood.

The tree is built from libyaml's events, never by its composer: that one recurses without a bound
and takes the process with it. Plain scalars follow YAML 1.2's core schema, so that ``no``,
``on``, ``12:30`` and ``2024-01-01`` stay what the author typed.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from stepeval.core.errors import SuiteError
from stepeval.suite.findings import Place

MOST_BYTES = 16_000_000
MOST_DEPTH = 64
_MOST_NODES = 2_000_000
_MOST_REPEATED = 1_000_000  # nodes and characters that aliases may add to what is written

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")  # a leading zero is an identifier's: it stays text
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Entry: TypeAlias = "tuple[Place, Node]"


@dataclass(slots=True)
class Node:
    """``value`` is a scalar, a list of Nodes, or a dict from key to (key's place, Node).

    ``weight`` counts nodes and characters with aliases expanded, ``height`` the levels below.
    ``block``: a literal block scalar, whose first line is the line after its place.
    """

    place: Place
    value: Any
    weight: int = 1
    height: int = 1
    block: bool = False

    def get(self, key: str) -> "Node | None":
        """The value under a key, None where there is none."""
        entry = self.value.get(key) if isinstance(self.value, dict) else None
        return entry[1] if entry else None

    def items(self) -> list[tuple[str, Place, "Node"]]:
        if not isinstance(self.value, dict):
            return []
        return [(key, place, node) for key, (place, node) in self.value.items()]

    def elements(self) -> "list[Node]":
        return self.value if isinstance(self.value, list) else []


def plain(node: Node) -> Any:
    """The value without its places: what ``json`` would have read."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, (_, child) in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def place_of(root: Node, path: tuple[str | int, ...], *, key: bool = False) -> Place:
    """Where a value stands; ``key``: where the last key stands.

    Parts of the path that the tree does not have are stepped over, so that the tags a validator
    puts into its paths do no harm.
    """
    node, place = root, root.place
    for part in path:
        if isinstance(part, str) and isinstance(node.value, dict) and part in node.value:
            key_place, node = node.value[part]
            place = key_place if key else node.place
        elif isinstance(part, int) and isinstance(node.value, list) and part < len(node.value):
            node = node.value[part]
            place = node.place
    return place


def read_yaml(text: str, file: str) -> Node:
    """One document as a tree.

    Raises:
        SuiteError: It is no YAML, or uses what a suite may not: tags, merge keys, duplicate or
            compound keys, several documents, too much nesting, aliases that explode.
    """
    composer = _Composer(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise SuiteError([_syntax_problem(error, text, file)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, min(error.position, len(text))) + 1
        sentence = "this is not YAML: it holds a control character"
        raise SuiteError([Place(file, line).problem(sentence)]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SuiteError([Place(file, 1).problem(f"this is not YAML: {error}")]) from None
    return composer.root()


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Any:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1)
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    sentence = f"this is not YAML: {error.problem or error.context}"
    if mark and line[mark.column : mark.column + 1] == "\t":
        sentence += " (YAML is indented with spaces, not tabs)"
    elif mark and line[mark.column : mark.column + 1] in {"`", "@", "%"}:
        sentence += " (put quotes around the text)"
    return place.problem(sentence)


class _Composer:
    def __init__(self, file: str) -> None:
        self._file = file
        self._root: Node | None = None
        self._documents = 0
        self._stack: list[Node] = []
        self._keys: list[tuple[str, Place] | None] = []  # per open node: the key that waits
        self._anchors: dict[str, Node] = {}
        self._repeated = 0
        self._nodes = 0
        self._problems: list[Any] = []

    def root(self) -> Node:
        if self._root is None:
            raise SuiteError([Place(self._file, 1).problem("the file is empty")])
        if self._problems:
            raise SuiteError(self._problems)
        return self._root

    def take(self, event: Any) -> None:
        place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _refused(place, "a file holds one YAML document; remove this '---'")
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor, place)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._keys.pop()
            self._put(self._stack.pop())

    def _open(self, event: Any, place: Place) -> None:
        self._check(event, place)
        if self._wants_key():
            braces = " (put quotes around text that begins with '{{')"
            raise _refused(place, f"a key must be text, not a list or mapping{braces}")
        if len(self._stack) >= MOST_DEPTH:
            raise _refused(place, f"nested deeper than {MOST_DEPTH} levels")
        node = Node(place, {} if isinstance(event, yaml.MappingStartEvent) else [])
        self._name(event.anchor, node)
        self._stack.append(node)
        self._keys.append(None)

    def _scalar(self, event: Any, place: Place) -> None:
        self._check(event, place)
        is_plain = event.implicit[0]
        if not self._wants_key():
            value = _resolve(event.value) if is_plain else event.value
            block = event.style == "|"
            node = Node(place, value, weight=1 + len(event.value), block=block)
            self._name(event.anchor, node)
            self._put(node)
            return
        if is_plain and event.value == "<<":
            raise _refused(place, "merge keys ('<<') are not supported; write the values out")
        first = self._stack[-1].value.get(event.value)
        if first:
            self._problems.append(
                place.problem(f"duplicate key {event.value!r} (first on line {first[0].line})")
            )
        self._keys[-1] = (event.value, place)

    def _alias(self, anchor: str | None, place: Place) -> None:
        node = self._anchors.get(anchor or "")
        if self._wants_key():
            raise _refused(place, "a key must be text, not an alias")
        if node is None:
            raise _refused(place, f"unknown alias '*{anchor}'")
        if any(node is parent for parent in self._stack):
            raise _refused(place, f"alias '*{anchor}' contains itself")
        self._repeated += node.weight
        if self._repeated > _MOST_REPEATED:
            raise _refused(place, f"aliases expand to more than {_MOST_REPEATED:,} values")
        if len(self._stack) + node.height > MOST_DEPTH:
            raise _refused(place, f"nested deeper than {MOST_DEPTH} levels")
        self._put(node)

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and not self._keys[-1]

    def _name(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _put(self, node: Node) -> None:
        self._nodes += 1
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        parent.weight += node.weight
        parent.height = max(parent.height, node.height + 1)
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        waiting = self._keys[-1]
        assert waiting is not None
        parent.value[waiting[0]] = (waiting[1], node)
        parent.weight += len(waiting[0])
        self._keys[-1] = None

    def _check(self, event: Any, place: Place) -> None:
        if event.tag is not None:
            raise _refused(place, f"YAML tags are not supported: remove {event.tag!r}")
        if self._nodes > _MOST_NODES:
            raise _refused(place, f"more than {_MOST_NODES:,} values in one file")


def _refused(place: Place, message: str) -> SuiteError:
    return SuiteError([place.problem(message)])


def _resolve(text: str) -> Any:
    """A plain scalar's value. What no JSON number can carry stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return integer(text)
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.fullmatch(text):
        return real(text)
    return text


def integer(text: str) -> int | str:
    """Text where it does not fit 64 bits: a rounded number would be another one."""
    if len(text) > len("-9223372036854775808"):
        return text
    value = int(text)
    return value if -(2**63) <= value < 2**63 else text


def real(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text
