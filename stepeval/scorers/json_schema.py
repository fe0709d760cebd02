"""JSON Schema, Draft 2020-12, for schemas and values that nobody has vouched for.

Nothing is fetched: a ``$ref`` stays inside its schema. Patterns run in linear time (RE2).
``multipleOf`` is exact, and ``uniqueItems`` takes one pass. ``format`` asserts nothing, as the
draft has it by default.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from itertools import count
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from stepeval.scorers.json_text import comparable
from stepeval.scorers.linear_regex import compiled, searchable
from stepeval.scorers.verdict import brief, quote

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMED_SCHEMAS = frozenset(
    {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
)
_VALUES = frozenset({"const", "default", "enum", "examples"})  # data, however schema-like
_REFERENCES = ("$ref", "$dynamicRef")
_MOST_REFERENCES = 20_000  # followed for one value
_followed: ContextVar[Iterator[int]] = ContextVar("references followed")


def checked_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` as plain JSON, once everything that could go wrong with it has been tried.

    Raises:
        ValueError: It is no schema of the draft, refers outside of itself or in a circle, or has
            a pattern that RE2 cannot hold.
    """
    plain = _plain(schema)
    try:
        # Formats are left out: one of them is Python's regular expressions, and ours are RE2's.
        Draft202012Validator.check_schema(plain, format_checker=FormatChecker(formats=()))
        resource = DRAFT202012.create_resource(plain)
        used: set[str] = set()
        _check(plain, Registry().resolver_with_root(resource), set(), used)
        if used >= {"unevaluatedProperties", "patternProperties"}:
            # jsonschema would run these patterns itself, in an engine that backtracks.
            raise ValueError(
                "the schema uses unevaluatedProperties and patternProperties, which do not go "
                "together here: use additionalProperties"
            )
        schema_violation(plain, None)
    except SchemaError as error:
        place = error.json_path.removeprefix("$").removeprefix(".")
        where = f" at {place}" if place else ""
        raise ValueError(f"the schema is wrong{where}: {brief(error.message)}") from None
    except RecursionError:
        raise ValueError("the schema refers to itself without end, or nests too deep") from None
    return plain


def schema_violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """The first violation as one sentence, or None where the value is valid.

    Raises:
        RecursionError: The schema refers to itself without end on this value.
    """
    _followed.set(count())
    error = next(_Validator(schema, registry=Registry()).iter_errors(value), None)
    return brief(f"{error.json_path}: {error.message}") if error is not None else None


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of its own, without the dialect, which is the same everywhere."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(schema), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the schema is not JSON: {error}") from None
    # Left in place, it would make jsonschema judge what refers to the root by its own keywords.
    dialect = plain.pop("$schema", _DIALECT)
    if str(dialect).rstrip("#") != _DIALECT:
        raise ValueError(f"the schema's $schema must be {_DIALECT!r}, not {quote(dialect)}")
    return plain


def _check(node: Any, resolver: Any, seen: set[int], used: set[str]) -> None:
    """Checks a subschema, those in it, and what it refers to wherever that stands."""
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    used.update(node)
    resolver = resolver.in_subresource(DRAFT202012.create_resource(node))
    _check_keywords(node)
    for keyword in _REFERENCES:
        if keyword in node:
            _check(*_referred(keyword, node[keyword], resolver), seen, used)
    for subschema in _subschemas(node):
        _check(subschema, resolver, seen, used)


def _subschemas(node: Mapping[str, Any]) -> Iterator[Any]:
    for keyword, value in node.items():
        if keyword in _NAMED_SCHEMAS and isinstance(value, dict):
            yield from value.values()
        elif keyword not in _VALUES:
            yield from value if isinstance(value, list) else [value]


def _check_keywords(node: Mapping[str, Any]) -> None:
    if "$schema" in node:
        raise ValueError("the schema has a $schema inside of it; one dialect rules all of it")
    patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    for pattern in [*patterns, *node.get("patternProperties", ())]:
        compiled(pattern)


def _referred(keyword: str, reference: Any, resolver: Any) -> tuple[Any, Any]:
    try:
        resolved = resolver.lookup(reference)
    except (Unresolvable, LookupError, TypeError, ValueError):
        raise ValueError(
            f"{keyword} {quote(reference)} is not in the schema, and nothing is fetched: "
            "put what it means under $defs"
        ) from None
    if not isinstance(resolved.contents, dict | bool):
        raise ValueError(f"{keyword} {quote(reference)} does not point to a schema")  # noqa: TRY004 - an option's value
    return resolved.contents, resolved.resolver


def _pattern(
    validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"{quote(instance)} does not match {quote(pattern)}")


def _pattern_properties(
    validator: Any, patterns: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if _found(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, value in instance.items():
        if key in named or any(_found(pattern, key) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"the property {quote(key)} is not allowed")
        else:
            yield from validator.descend(value, allowed, path=key)


def _multiple_of(
    validator: Any, divisor: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """In decimal: 0.07 is a multiple of 0.01, though the nearest doubles say otherwise."""
    if not validator.is_type(instance, "number"):
        return
    if not math.isfinite(instance) or Fraction(repr(instance)) % Fraction(repr(divisor)):
        yield ValidationError(f"{instance!r} is not a multiple of {divisor!r}")


def _unique_items(
    validator: Any, wanted: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not (wanted and validator.is_type(instance, "array")):
        return
    if len({comparable(item) for item in instance}) < len(instance):
        yield ValidationError("the list holds an item twice")


def _counted(keyword: str) -> Any:
    """References double what there is to do, so a short schema may mean years of it."""
    follow = Draft202012Validator.VALIDATORS[keyword]

    def run(validator: Any, reference: Any, instance: Any, schema: Any) -> Any:
        if next(_followed.get()) > _MOST_REFERENCES:
            raise RecursionError("the schema follows too many references")
        return follow(validator, reference, instance, schema)

    return run


def _found(pattern: str, text: str) -> bool:
    return compiled(pattern).search(searchable(text)) is not None


_Validator = extend(  # type: ignore[no-untyped-call] # jsonschema's types leave it out
    Draft202012Validator,
    {
        "additionalProperties": _additional_properties,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "uniqueItems": _unique_items,
        **{keyword: _counted(keyword) for keyword in _REFERENCES},
    },
)
