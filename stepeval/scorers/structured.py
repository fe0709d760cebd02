"""Scorers of answers that are JSON."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.json_schema import checked_schema, schema_violation
from stepeval.scorers.json_text import NotJson, comparable, read_json
from stepeval.scorers.verdict import quote, right, unscored, wrong
from stepeval.scorers.wanted import NoTarget

_MISSING = object()


@dataclass(frozen=True, slots=True)
class JsonValid:
    """The answer is one JSON value and nothing else; with ``extract``, its last fenced block is."""

    extract: bool = False
    strict: bool = True

    def __call__(self, sample: Sample, choice: Choice) -> Score:  # noqa: ARG002 - the Scorer protocol's shape
        try:
            read_json(choice.text or "", extract=self.extract, strict=self.strict)
        except NotJson as reason:
            return wrong("json_valid", f"the answer {reason}")
        return right("json_valid")


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The answer is JSON that is valid under a JSON Schema of Draft 2020-12."""

    schema: Mapping[str, Any]
    extract: bool = False
    strict: bool = True

    def __post_init__(self) -> None:
        # A plain copy: later calls need no second check, and no caller can change it.
        object.__setattr__(self, "schema", checked_schema(self.schema))

    def __call__(self, sample: Sample, choice: Choice) -> Score:  # noqa: ARG002 - the Scorer protocol's shape
        try:
            value = read_json(choice.text or "", extract=self.extract, strict=self.strict)
        except NotJson as reason:
            return wrong("json_schema", f"the answer {reason}")
        try:
            violation = schema_violation(self.schema, value)
        except RecursionError:
            return unscored("json_schema", "the schema refers to itself without end on this answer")
        if violation is not None:
            return wrong("json_schema", violation)
        return right("json_schema")


@dataclass(frozen=True, slots=True)
class JsonEquals:
    """The answer is JSON equal to the wanted value, or equal to it in the named ``fields``.

    A wanted text that is JSON itself means the value it writes; any other text means itself.
    """

    value: Any = None
    fields: tuple[str, ...] = ()
    extract: bool = False
    strict: bool = True

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        wanted = _wanted(sample.target if self.value is None else self.value, self.fields)
        if isinstance(wanted, NoTarget):
            return wanted.score("json_equals")
        try:
            answer = read_json(choice.text or "", extract=self.extract, strict=self.strict)
        except NotJson as reason:
            return wrong("json_equals", f"the answer {reason}")
        if not self.fields:
            if comparable(answer) == comparable(wanted):
                return right("json_equals")
            return wrong("json_equals", f"answered {quote(answer)}, wanted {quote(wanted)}")
        if not isinstance(answer, dict):
            return wrong("json_equals", f"answered {quote(answer)}, wanted an object")
        return _compared_fields(answer, wanted, self.fields)


def _compared_fields(answer: Mapping[str, Any], wanted: Any, fields: tuple[str, ...]) -> Score:
    shown = ", ".join(f"{name}={answer[name]!r}" for name in fields if name in answer)
    for name in fields:
        got = answer.get(name, _MISSING)
        if got is _MISSING:
            return wrong("json_equals", f"the answer has no field {name!r}", shown)
        if comparable(got) != comparable(wanted[name]):
            explanation = f"answered {name}={quote(got)}, wanted {name}={quote(wanted[name])}"
            return wrong("json_equals", explanation, shown)
    return right("json_equals", shown)


def _wanted(target: Any, fields: tuple[str, ...]) -> Any | NoTarget:
    if target is None:
        return NoTarget("the sample has no target")
    if isinstance(target, str):
        with suppress(NotJson):  # then the text itself is what is wanted
            target = read_json(target, extract=False, strict=True)
    try:
        comparable(target)
    except (TypeError, RecursionError) as error:
        return NoTarget(f"the target is not JSON: {error}")
    if not fields:
        return target
    if not isinstance(target, dict):
        return NoTarget(f"the target {quote(target)} is not an object, and fields are named")
    missing = [name for name in fields if name not in target]
    return NoTarget(f"the target has no field {missing[0]!r}") if missing else target
