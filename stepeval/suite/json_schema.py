"""The format as JSON Schema, so that editors complete and check suites as they are typed."""

import dataclasses
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import TypeAdapter

from stepeval.suite.schema import SuiteFile

_DEFS = "#/$defs/{model}"


def suite_schema(scorers: Mapping[str, type]) -> dict[str, Any]:
    """Draft 2020-12. Each scorer's options are checked under its own name."""
    schema = SuiteFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "stepeval suite"
    definitions = schema["$defs"]
    definitions["RuleEntry"] = _rule_schema(definitions["RuleEntry"], scorers, definitions)
    for definition in (schema, *definitions.values()):
        _plainer(definition)
    _say_scorers(schema, scorers)
    return schema


def _rule_schema(
    rule: Mapping[str, Any], scorers: Mapping[str, type], definitions: dict[str, Any]
) -> dict[str, Any]:
    own = {"properties": {"scorer": {"pattern": r"^\./.+\.py:[A-Za-z_]\w*$"}}}
    branches: list[dict[str, Any]] = [{**own, "required": ["scorer"]}]
    for name, scorer in scorers.items():
        options = _options(scorer, definitions)
        properties = {**deepcopy(dict(rule["properties"])), **options["properties"]}
        properties["scorer"] = {"const": name}
        branches.append(
            {
                "title": name,
                "description": options.get("description", ""),
                "properties": properties,
                "required": ["scorer", *options.get("required", ())],
                "additionalProperties": False,
            }
        )
    common = {key: value for key, value in rule.items() if key != "additionalProperties"}
    return {**common, "oneOf": branches}


def _options(scorer: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if not dataclasses.fields(scorer):
        return {"properties": {}}
    found = TypeAdapter(scorer).json_schema(ref_template=_DEFS)
    definitions.update(found.pop("$defs", {}))
    return found


def _plainer(definition: dict[str, Any]) -> None:
    """Without the titles that only repeat a key."""
    for name, entry in definition.get("properties", {}).items():
        if entry.get("title", "").lower().replace(" ", "_") == name:
            del entry["title"]


def _say_scorers(schema: dict[str, Any], scorers: Mapping[str, type]) -> None:
    """A rule that is only a name is one of the scorers, or the user's own."""
    for branch in schema["properties"]["scoring"]["items"]["oneOf"]:
        if branch.get("type") == "string":
            branch["anyOf"] = [{"enum": list(scorers)}, {"pattern": r"^\./.+\.py:[A-Za-z_]\w*$"}]
