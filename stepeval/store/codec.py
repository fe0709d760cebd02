"""Frozen dataclasses to JSON and back, read off their type hints.

A union of several dataclasses carries the class's name under ``"type"``; every other value's
form follows from its hint. Fields that a file lacks get their defaults, and fields that this
version does not know are passed over, so that older and newer files of one schema can be read.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")

_Convert: TypeAlias = Callable[[Any], Any]

_TAG = "type"
_UNIONS = (Union, types.UnionType)
_PLAIN: tuple[Any, ...] = (Any, object, str, int, float, bool, type(None))


def dump(value: Any) -> Any:
    """``value`` as dicts, lists and scalars.

    Raises:
        TypeError: A field's hint has no JSON form.
    """
    cls: Any = type(value)
    return _dumper(cls)(value) if _is_class(cls) else value


def load(type_: type[T], data: Any) -> T:
    """The inverse of :func:`dump`.

    Raises:
        TypeError, ValueError, LookupError: ``data`` is nothing that :func:`dump` could have made.
    """
    hint: Any = type_
    value: T = _loader(hint)(data)
    return value


def to_text(value: Any) -> str:
    """JSON text. A lone surrogate and an integer beyond 64 bits keep their value.

    Such a text begins with a space, which tells :func:`from_text` to read it the slow way.
    """
    cls: Any = type(value)
    try:
        return orjson.dumps(value if _is_native(cls) else dump(value)).decode()
    except TypeError:
        return " " + json.dumps(dump(value))


def from_text(type_: type[T], text: str) -> T:
    return load(type_, json.loads(text) if text.startswith(" ") else orjson.loads(text))


def _is_class(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _same(value: Any) -> Any:
    return value


@cache
def _is_native(hint: Any) -> bool:
    """Whether orjson by itself writes what :func:`dump` would make, in a fifth of the time.

    It knows no tags, and of a class without slots it writes what was cached on the value, too.
    """
    if _is_class(hint):
        return "__slots__" in vars(hint) and all(_is_native(inner) for _, inner in _fields(hint))
    args = get_args(hint)
    if get_origin(hint) in _UNIONS and len(_classes(args)) > 1:
        return False
    return all(_is_native(arg) for arg in args if arg is not ...)


@cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(cls))


@cache
def _dumper(hint: Any) -> _Convert:
    if _is_class(hint):
        return _object_dumper(hint)
    convert = _container(hint, _dumper, list)
    if convert is not None:
        return convert
    return _dump_union(_members(hint))


@cache
def _loader(hint: Any) -> _Convert:
    if _is_class(hint):
        return _object_loader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    convert = _container(hint, _loader, tuple)
    if convert is not None:
        return convert
    return _load_union(_members(hint))


def _container(
    hint: Any, converter: Callable[[Any], _Convert], sequence: Callable[[Any], Any]
) -> _Convert | None:
    """The conversion of a scalar, a tuple or a mapping; None for a union."""
    origin, args = get_origin(hint), get_args(hint)
    if hint in _PLAIN or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _same
    if origin is tuple and args[1:] == (...,):
        convert = converter(args[0])
        if convert is _same:
            return _all_of(args[0], sequence, iter)
        return lambda values: sequence([convert(value) for value in values])
    if origin in (Mapping, dict):
        convert = converter(args[1])
        if convert is _same:
            return _all_of(args[1], dict, dict.values)
        return lambda values: {name: convert(value) for name, value in values.items()}
    if origin in _UNIONS:
        return None
    raise TypeError(f"{hint} has no JSON form")


def _all_of(hint: Any, make: _Convert, values_of: Callable[[Any], Iterable[Any]]) -> _Convert:
    """``make``, where every value within has a JSON type of ``hint``."""
    wanted = _json_types(hint)
    if wanted is None:
        return make

    def convert(values: Any) -> Any:
        if not wanted.issuperset(map(type, values_of(values))):
            raise TypeError(f"{values!r:.100} holds another type than {hint}")
        return make(values)

    return convert


def _json_types(hint: Any) -> frozenset[type] | None:
    """The types that a value of this hint may have before and after its conversion.

    None: any of them.
    """
    if hint in (Any, object):
        return None
    if get_origin(hint) in _UNIONS:
        each = [_json_types(arg) for arg in get_args(hint)]
        known = [types for types in each if types is not None]
        return frozenset[type]().union(*known) if len(known) == len(each) else None
    if hint in _PLAIN:
        return frozenset({int, float}) if hint is float else frozenset({hint})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return frozenset({hint, str, int})
    return frozenset({tuple, list} if get_origin(hint) is tuple else {dict, hint})


def _members(hint: Any) -> tuple[Any, ...]:
    return tuple(arg for arg in get_args(hint) if arg is not type(None))


def _object_dumper(cls: Any) -> _Convert:
    fields = [(name, _dumper(hint)) for name, hint in _fields(cls)]
    return lambda value: {name: convert(getattr(value, name)) for name, convert in fields}


def _object_loader(cls: Any) -> _Convert:
    fields = [(name, _loader(hint)) for name, hint in _fields(cls)]
    names = [name for name, _ in fields]
    wanted = [_json_types(hint) for _, hint in _fields(cls)]
    known: set[tuple[type, ...]] = set()  # types that were found right, of all fields together
    converted = [(n, convert) for n, (_, convert) in enumerate(fields) if convert is not _same]

    def check(name: str, found: type, allowed: frozenset[type] | None) -> None:
        if allowed is not None and found not in allowed:
            raise TypeError(f"{name} of a {cls.__name__} is of the type {found.__name__}")

    def older(data: Any) -> Any:
        given = [(*field, types) for field, types in zip(fields, wanted, strict=True)]
        given = [field for field in given if field[0] in data]
        for name, _, allowed in given:
            check(name, type(data[name]), allowed)
        return cls(**{name: convert(data[name]) for name, convert, _ in given})

    def load_object(data: Any) -> Any:
        try:
            values = [data[name] for name in names]
        except KeyError:  # an older file's, which lacks a field
            return older(data)
        if (found := tuple(map(type, values))) not in known:
            for name, type_, allowed in zip(names, found, wanted, strict=True):
                check(name, type_, allowed)
            known.add(found)
        for n, convert in converted:
            values[n] = convert(values[n])
        return cls(*values)

    return load_object


def _classes(members: tuple[Any, ...]) -> dict[str, Any]:
    return {member.__name__: member for member in members if _is_class(member)}


def _dump_union(members: tuple[Any, ...]) -> _Convert:
    tagged = len(_classes(members)) > 1
    of_list = next((_dumper(m) for m in members if get_origin(m) is tuple), _same)
    of_dict = next((_dumper(m) for m in members if get_origin(m) is Mapping), _same)

    def convert(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return of_list(value)
        if dataclasses.is_dataclass(value):
            data = dump(value)
            return {_TAG: type(value).__name__, **data} if tagged else data
        return of_dict(value) if isinstance(value, Mapping) else value

    return convert


def _load_union(members: tuple[Any, ...]) -> _Convert:
    classes = _classes(members)
    of_class = {name: _loader(cls) for name, cls in classes.items()}
    of_list = next((_loader(m) for m in members if get_origin(m) is tuple), _same)
    mappings = [m for m in members if get_origin(m) is Mapping or m in classes.values()]
    of_dict = _loader(mappings[0]) if mappings else _same
    enums = [m for m in members if isinstance(m, type) and issubclass(m, Enum)]
    of_scalar: _Convert = enums[0] if enums else _same
    if not classes and of_list is of_dict is of_scalar is _same:
        return _same

    def convert(data: Any) -> Any:
        if data is None:
            return None
        if isinstance(data, dict):
            return of_class[data[_TAG]](data) if len(of_class) > 1 else of_dict(data)
        return of_list(data) if isinstance(data, list) else of_scalar(data)

    return convert
