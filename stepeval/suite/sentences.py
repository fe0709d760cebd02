"""What a validator found wrong, in plain words and at its place in the file."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from stepeval.core.errors import did_you_mean
from stepeval.suite.findings import Findings, Place
from stepeval.suite.yaml_tree import Node, place_of

_LONGEST = 60  # characters of a value shown in a sentence
_TAGS = ("text", "list", "mapping")  # which shape a value has, put into paths by the schema
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
_MUST_BE = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "finite_number": "a finite number",
    "none_required": "null",
}
_MISSING: Mapping[tuple[int | str, ...], str] = {
    ("stepeval",): ": begin the file with 'stepeval: 1'",
    ("name",): ": give the suite a name, such as 'name: my-suite'",
    ("dataset",): ": list the rows under 'dataset:', or name their file",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def report(
    error: ValidationError,
    findings: Findings,
    root: Node,
    model: type[BaseModel] | None = None,
    known: tuple[str, ...] = (),
) -> frozenset[str]:
    """Adds every error to ``findings``; returns the top-level keys that hold one.

    ``root`` is the tree of what was validated. Names for did-you-mean come from ``model``, or
    are ``known``.
    """
    failed = set()
    for detail in error.errors(include_url=False):
        path = detail["loc"]
        kind = detail["type"]
        names = known_keys(model, path[:-1]) if model else known
        place = _place(root, path, kind)
        findings.error(sentence(detail, names), place)
        if path:
            failed.add(str(path[0]))
    return frozenset(failed)


def _place(root: Node, path: tuple[int | str, ...], kind: str) -> Place:
    if kind == "missing":
        return place_of(root, path[:-1], key=True)
    return place_of(root, path, key=kind == "extra_forbidden")


def sentence(detail: Any, names: tuple[str, ...] = ()) -> str:
    """One pydantic error (an item of ``ValidationError.errors()``) in plain words."""
    kind, path, value = detail["type"], detail["loc"], detail["input"]
    key = _subject(path)
    if kind in {"missing", "missing_argument"}:
        return f"{str(path[-1])!r} is missing{_MISSING.get(path, '')}"
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"unknown key {str(path[-1])!r}{did_you_mean(str(path[-1]), names)}"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return f"{key} must be true or false; {value!r} is text in YAML 1.2"
    if kind in _MUST_BE:
        return f"{key} must be {_MUST_BE[kind]}, not {describe(value)}"
    limit = _limit(detail)
    if limit:
        return f"{key} {limit}, not {describe(value)}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"{key}: {message[:1].lower()}{message[1:]}"


def _limit(detail: Any) -> str | None:
    """What the value must be, as a predicate; None for an error without such a limit."""
    kind = detail["type"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {context[bound]:g}"
    if kind in {"literal_error", "enum"}:
        return f"must be {context['expected']}"
    if kind == "string_pattern_mismatch":
        return _pattern_sentence(context["pattern"])
    if kind == "too_short":
        return "must hold at least one value"
    return str(detail["msg"]) if kind == "shape" else None


def _subject(path: tuple[int | str, ...]) -> str:
    """The last key of the path; an element is named after its list, and counted from 1."""
    keys = [part for part in path if part not in _TAGS] or list(path[-1:])
    if not keys:
        return "the whole"
    if not isinstance(keys[-1], int):
        return str(keys[-1])
    owner = next((f" of {part}" for part in reversed(keys) if isinstance(part, str)), "")
    return f"entry {keys[-1] + 1}{owner}"


def _pattern_sentence(pattern: str) -> str:
    if "A-Z]{3}" in pattern:
        return "must be a currency's three capital letters, such as USD"
    letters = "letters" if "A-Z" in pattern else "lower-case letters"
    return (
        f"must be {letters}, digits, '.', '_' or '-', "
        "begin with a letter or digit and have at most 64 characters"
    )


def describe(value: Any) -> str:
    """A value as a user would name it."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 3] + "...")
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return str(value)


def known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that may stand at the end of ``path`` in what ``model`` describes."""
    models = [model]
    for part in path:
        inner = [
            found
            for each in models
            for name, info in each.model_fields.items()
            if part == (info.alias or name)
            for found in _models(info.annotation)
        ]
        models = inner or models
    return tuple(info.alias or name for each in models for name, info in each.model_fields.items())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
