"""Prompt templates: a small, strict part of Jinja that can neither run code nor run away.

Jinja's sandbox bounds neither time nor memory (``'a'.center(2 * 10**8)``), so the parsed
template is checked against a list of what is allowed, and what is left is counted while it runs.
Values are data: they are put in, and never read as a template themselves.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    UndefinedError,
    nodes,
    pass_context,
)
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.filters import do_capitalize, do_first, do_last, do_title, do_trim
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stepeval.core.errors import UsageError, did_you_mean

MOST_OUTPUT = 1_000_000
_FAULTS_OF_DATA = (TypeError, ValueError, LookupError, AttributeError, RecursionError)
MOST_SOURCE = 1_000_000
_MOST_STEPS = 1_000_000
_CHARACTERS_PER_STEP = 100
_STEPS = "_steps"
_TESTS = ("defined", "undefined", "none")
_LOOP_FACTS = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Test,
    nodes.Filter,
    nodes.Keyword,
)
_WHAT: Mapping[Any, str] = {
    nodes.Call: "calls",
    nodes.Dict: "mappings",
    nodes.Concat: "joining with '~'",
    nodes.BinExpr: "arithmetic",
    nodes.UnaryExpr: "arithmetic",
    nodes.Stmt: "statements other than if and for",
}


class TemplateError(UsageError):
    """``line`` counts from 1 within the template; None where the error has no line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def render(text: str, values: Mapping[str, Any]) -> str:
    """The template with the values put in. Without ``{{`` or ``{%`` it is returned as it is.

    Raises:
        TemplateError: It is malformed, uses what is not allowed, names a value that does not
            exist, or its output is larger than 1 MB.
    """
    if not is_template(text):
        return text
    template = _compiled(text)
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.generate({**values, _STEPS: _Steps()}):
            size += len(piece)
            if size > MOST_OUTPUT:
                raise TemplateError(f"the rendered text is longer than {MOST_OUTPUT:,} characters")
            pieces.append(piece)
    except UndefinedError as error:
        raise TemplateError(_undefined_sentence(error, values)) from None
    except SecurityError as error:
        raise TemplateError(f"not allowed in a template: {error}") from None
    except (JinjaError, *_FAULTS_OF_DATA) as error:
        raise TemplateError(f"the template fails: {error}") from None
    return "".join(pieces)


def check(text: str) -> None:
    """Whether it could be rendered with the right values.

    Raises:
        TemplateError: It is malformed or uses what is not allowed.
    """
    if is_template(text):
        _compiled(text)


def is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


class _Steps:
    """What one rendering may still do; a step is a loop's turn or a hundred characters."""

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def take(self, value: Any = None) -> None:
        size = len(value) if isinstance(value, str | list | tuple | dict) else 0
        self._left -= 1 + size // _CHARACTERS_PER_STEP
        if self._left < 0:
            raise TemplateError(f"the template does more than {_MOST_STEPS:,} steps of work")


@pass_context
def _counted(context: Context, values: Any) -> Iterator[Any]:
    if isinstance(values, Undefined):
        list(values)  # raises, and says which name is missing
    steps: _Steps = context[_STEPS]
    for value in values:
        steps.take()
        yield value


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    context[_STEPS].take(value)
    return value


def _costed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Charged for what goes in and, as JSON of a nested value is larger, for what comes out."""

    def run(context: Context, value: Any, *args: Any, **named: Any) -> Any:
        steps: _Steps = context[_STEPS]
        steps.take(value)
        result = function(value, *args, **named)
        steps.take(result)
        return result

    return pass_context(run)


class _Environment(ImmutableSandboxedEnvironment):
    """Attributes are items: data has no methods, and a field may be named ``items``."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP_FACTS:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj[argument]  # raises, and says which name is missing
        if isinstance(obj, Mapping | list | tuple | str) and not isinstance(obj, LoopContext):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)


def _text(value: Any) -> Any:
    """Lists, mappings, true, false and null are written as JSON, never as Python."""
    if isinstance(value, str | Undefined) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        return value
    if isinstance(value, bool | list | tuple | Mapping) or value is None:
        return _tojson(value)
    raise TemplateError("only data can be printed")


def _tojson(value: Any) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises
    return _capped(json.JSONEncoder(ensure_ascii=False).iterencode(value))


def _join(values: Any, separator: str = "") -> str:
    texts = (str(_text(value)) for value in _data(values))
    return _capped(piece for n, text in enumerate(texts) for piece in (separator * (n > 0), text))


def _capped(pieces: Iterable[str]) -> str:
    """Joined, but never longer than a template's output may be: one value may be named often."""
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_OUTPUT:
            raise TemplateError(f"a value is longer than {MOST_OUTPUT:,} characters as text")
        kept.append(piece)
    return "".join(kept)


def _default(value: Any, fallback: Any = "", boolean: bool = False) -> Any:
    return fallback if isinstance(value, Undefined) or (boolean and not value) else value


def _length(value: Any) -> int:
    return len(_data(value))


def _items(value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise TypeError("'items' needs a mapping")
    return list(value.items())


def _data(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises
    return value


def _environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        finalize=_text,
        cache_size=0,
        comment_start_string="\x00#",  # no comments: `{#` is text, with or without variables
        comment_end_string="#\x00",
    )
    environment.globals.clear()
    filters: dict[str, Callable[..., Any]] = {
        "capitalize": do_capitalize,
        "default": _default,
        "first": lambda value: do_first(environment, value),
        "items": _items,
        "join": _join,
        "last": lambda value: do_last(environment, value),
        "length": _length,
        "lower": lambda value: str(_text(value)).lower(),
        "title": do_title,
        "tojson": _tojson,
        "trim": lambda value: do_trim(str(_text(value))),
        "upper": lambda value: str(_text(value)).upper(),
    }
    environment.filters = {name: _costed(function) for name, function in filters.items()}
    environment.filters |= {"_counted": _counted, "_weighed": _weighed}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_ENVIRONMENT = _environment()
_FILTERS = tuple(name for name in _ENVIRONMENT.filters if not name.startswith("_"))


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Template:
    if len(text) > MOST_SOURCE:
        raise TemplateError(f"the template is longer than {MOST_SOURCE:,} characters")
    try:
        tree = _ENVIRONMENT.parse(text)
        _allow(tree)
        return _ENVIRONMENT.from_string(_metered(tree))
    except TemplateSyntaxError as error:
        message = (error.message or "it is malformed").rstrip(".")
        raise TemplateError(f"the template is malformed: {message}", error.lineno) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise TemplateError("the template is nested too deeply") from None
    except ValueError:
        raise TemplateError("the template holds a number that is too long") from None


def _allow(tree: nodes.Template) -> None:
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            what = [words for kind, words in _WHAT.items() if isinstance(node, kind)]
            held = what[0] if what else type(node).__name__.lower()
            raise TemplateError(f"a template cannot hold {held}", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            hint = did_you_mean(node.name, _FILTERS)
            raise TemplateError(f"unknown filter {node.name!r}{hint}", node.lineno)
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            hint = did_you_mean(node.name, _TESTS)
            raise TemplateError(f"unknown test {node.name!r}{hint}", node.lineno)
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateError("a template cannot hold recursive loops", node.lineno)
        name = getattr(node, "attr", None) or getattr(node, "name", None)
        if isinstance(node, nodes.Name | nodes.Getattr) and str(name).startswith("_"):
            raise TemplateError(f"a name cannot begin with '_': {name!r}", node.lineno)


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _metered(tree: nodes.Template) -> nodes.Template:
    for node in list(_walk(tree)):
        if isinstance(node, nodes.For):
            node.iter = _through("_counted", node.iter)
        elif isinstance(node, nodes.Compare | nodes.Operand):
            node.expr = _through("_weighed", node.expr)
    return tree


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    call = nodes.Filter(cast(nodes.Expr, node), name, [], [], None, None, lineno=node.lineno)
    call.set_environment(_ENVIRONMENT)
    return call


def _undefined_sentence(error: UndefinedError, values: Mapping[str, Any]) -> str:
    message = str(error)
    field = re.search(r"object' has no (?:attribute|element) (.+)", message)
    if field:
        return f"there is no field {field[1]} in that value"
    name = message.removesuffix(" is undefined").strip("'")
    if f"'{name}' is undefined" != message:
        return f"the template asks for what is not there: {message}"
    return f"{name!r} is undefined{did_you_mean(name, values)}"
