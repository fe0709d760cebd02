"""Scoring rules: a scorer's name with its options, checked against the scorer's own fields."""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stepeval.core.errors import UsageError, did_you_mean
from stepeval.core.task import Sample, ScoringRule, metadata_matches
from stepeval.suite.findings import Findings, Place
from stepeval.suite.folder import PathRefused
from stepeval.suite.prompts import ReadFile
from stepeval.suite.schema import RuleEntry
from stepeval.suite.sentences import sentence
from stepeval.suite.yaml_tree import Node, place_of

_OWN_CODE = re.compile(r"(?P<file>\./.+\.py):(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_MOST_CODE = 1_000_000


def read_scoring(
    entries: Sequence[str | RuleEntry],
    root: Node,
    findings: Findings,
    scorers: Mapping[str, type],
    read_file: ReadFile,
) -> tuple[ScoringRule, ...]:
    """The rules in their order, with unique ids; mistakes go to ``findings``.

    A scorer of the user's own is only looked for, never imported here.
    """
    node = root.get("scoring")
    if node is None:
        return ()
    rules: list[ScoringRule] = []
    taken = {entry.id for entry in entries if isinstance(entry, RuleEntry) and entry.id}
    seen: set[str] = set()
    for entry, each in zip(entries, node.elements(), strict=True):
        rule = RuleEntry(scorer=entry) if isinstance(entry, str) else entry
        options = dict(rule.model_extra or {})
        own = _OWN_CODE.fullmatch(rule.scorer)
        if own:
            _check_file(own["file"], place_of(each, ("scorer",)), findings, read_file)
        else:
            _check_builtin(rule.scorer, options, each, findings, scorers)
        name = own["name"] if own else rule.scorer
        if rule.id in seen:
            findings.error(f"duplicate rule id {rule.id!r}", place_of(each, ("id",)))
        rule_id = rule.id or _free_id(name, taken)
        taken.add(rule_id)
        seen.add(rule_id)
        rules.append(
            ScoringRule(rule_id, rule.scorer, options, rule.weight, rule.negate, dict(rule.where))
        )
    return tuple(rules)


def warn_of_idle_rules(
    rules: Iterable[ScoringRule], samples: Sequence[Sample], root: Node, findings: Findings
) -> None:
    """A ``where`` that no sample matches is most likely a misspelt one."""
    for index, rule in enumerate(rules):
        if rule.where and not any(metadata_matches(rule.where, s.metadata) for s in samples):
            place = place_of(root, ("scoring", index, "where"), key=True)
            findings.warning(f"rule {rule.id!r} applies to no sample of the dataset", place)


def _check_file(file: str, place: Place, findings: Findings, read_file: ReadFile) -> None:
    try:
        read_file(file, _MOST_CODE)
    except PathRefused as error:
        findings.error(str(error), place)


def _check_builtin(
    scorer: str,
    options: Mapping[str, Any],
    node: Node,
    findings: Findings,
    scorers: Mapping[str, type],
) -> None:
    place = place_of(node, ("scorer",))
    if ":" in scorer or scorer.endswith(".py"):
        findings.error(f"a scorer of your own is './file.py:name', not {scorer!r}", place)
    elif scorer not in scorers:
        findings.error(f"unknown scorer {scorer!r}{did_you_mean(scorer, scorers)}", place)
    else:
        _check_options(scorer, scorers[scorer], options, node, findings)


def _check_options(
    name: str, scorer: type, options: Mapping[str, Any], node: Node, findings: Findings
) -> None:
    fields = [field.name for field in dataclasses.fields(scorer) if field.init]
    unknown = [option for option in options if option not in fields]
    for option in unknown:
        hint = did_you_mean(option, [*fields, *rule_keys()])
        findings.error(
            f"{option!r} is no option of the scorer {name!r}{hint}",
            place_of(node, (option,), key=True),
        )
    known = {option: value for option, value in options.items() if option in fields}
    try:
        # JSON mode is strict about types, yet takes a list for a tuple.
        TypeAdapter(scorer).validate_json(json.dumps(known), strict=True)
    except ValidationError as error:
        for detail in _least(error):
            place = place_of(node, detail["loc"]) if detail["loc"] else node.place
            text = detail["msg"] if not detail["loc"] else sentence(detail)
            findings.error(f"scorer {name!r}: {text.removeprefix('Value error, ')}", place)
    except UsageError as error:
        findings.error(f"scorer {name!r}: {error}", node.place)


def _least(error: ValidationError) -> list[Any]:
    """One error per option: a union tells one for each of its members."""
    found: dict[Any, Any] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(detail["loc"][:1], {**detail, "loc": detail["loc"][:1]})
    return list(found.values())


def rule_keys() -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in RuleEntry.model_fields.items())


def _free_id(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
