"""What is known of models and hosts: parameter ranges, prices, whose key goes where.

The facts live in ``data/models.json``, each with the date it was read. What is not known there
is let through with a warning: the server, not this file, has the last word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from stepeval.core.errors import nearest
from stepeval.core.hosts import host_of
from stepeval.core.task import Price


@dataclass(frozen=True, slots=True)
class ParameterProblem:
    """``fatal``: out of a documented range of a known model. Else a warning: it goes through."""

    message: str
    fatal: bool


@cache
def _facts() -> Mapping[str, Any]:
    text = (files("stepeval.core") / "data" / "models.json").read_text("utf-8")
    facts: Mapping[str, Any] = json.loads(text)
    return facts


def known_models() -> tuple[str, ...]:
    return tuple(_facts()["models"])


def known_providers() -> Mapping[str, str]:
    """Name to base URL."""
    providers: Mapping[str, str] = _facts()["providers"]
    return providers


def key_variables(host: str) -> tuple[str, ...]:
    """The environment variables whose keys belong to this host; empty for an unknown host."""
    return tuple(_facts()["hosts"].get(host.lower(), {}).get("keys", ()))


def key_owners(variable: str) -> tuple[str, ...]:
    """The known hosts that a variable's key belongs to."""
    hosts: Mapping[str, Any] = _facts()["hosts"]
    return tuple(host for host, known in hosts.items() if variable in known["keys"])


def is_known_host(host: str) -> bool:
    return host.lower() in _facts()["hosts"]


def efforts() -> tuple[str, ...]:
    """Every known value of reasoning_effort, the least reasoning first."""
    return tuple(_facts()["efforts"])


def price_of(model: str, base_url: str) -> Price | None:
    """The list price at this host, or None: an unknown price is never 0."""
    host = _facts()["hosts"].get(host_of(base_url), {})
    if "prices" not in host:
        return None
    return list_price(model, host["currency"], host["prices"])


def list_price(model: str, currency: str = "USD", vendor: str = "stepfun") -> Price | None:
    row = _facts()["prices"][vendor][currency].get(model)
    if row is None:
        return None
    miss, hit, out = row
    return Price(currency, miss, hit, out, as_of=_facts()["as_of"][currency])


def check_parameter(model: str, name: str, value: Any) -> ParameterProblem | None:
    """Whether a request parameter is one the model documents, within its range."""
    facts = _facts()
    if model not in facts["models"]:
        return None  # nothing is known, so nothing can be wrong
    known = facts["models"][model]
    rule = {**facts["parameters"], **known.get("parameters", {})}.get(name)
    if rule is None:
        near = nearest(name, facts["parameters"])
        hint = "" if near is None else f" (did you mean {near!r}?)"
        return ParameterProblem(
            f"{name!r} is no documented parameter of {model}{hint}", fatal=False
        )
    if name in known.get("undocumented", ()):
        return ParameterProblem(f"{name!r} is not documented for {model}", fatal=False)
    wrong = _violation(rule, value)
    if wrong:
        return ParameterProblem(f"{name} of {model} {wrong}, not {value!r}", fatal=True)
    if "advised_max" in rule and value > rule["advised_max"]:
        advice = f"{name}: {value} is above the suggested maximum of {rule['advised_max']}"
        return ParameterProblem(advice, fatal=False)
    return None


_TYPES: Mapping[str, Any] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "text": (str,),
    "mapping": (dict,),
    "list": (list, tuple),
}


def _violation(rule: Mapping[str, Any], value: Any) -> str | None:
    """The predicate of a sentence about what the value must be, or None where it is right."""
    if rule["type"] == "text or list of texts":
        texts = value if isinstance(value, list | tuple) else [value]
        return None if all(isinstance(t, str) for t in texts) else "must be text or a list of texts"
    is_bool = isinstance(value, bool)
    if not isinstance(value, _TYPES[rule["type"]]) or is_bool != (rule["type"] == "boolean"):
        return f"must be {'an' if rule['type'] == 'integer' else 'a'} {rule['type']}"
    if "values" in rule and value not in rule["values"]:
        return f"must be {' or '.join(rule['values'])}"
    for field, allowed in rule.get("values_of", {}).items():
        if value.get(field) not in allowed:
            return f"must have {field} {' or '.join(allowed)}"
    low, high = rule.get("min", rule.get("above")), rule.get("max")
    too_low = low is not None and (value <= low if "above" in rule else value < low)
    too_high = high is not None and value > high
    if not (too_low or too_high):
        return None
    lower = f"above {low}" if "above" in rule else f"at least {low}"
    return f"must be {lower}" + (f" and at most {high}" if high is not None else "")


def account_tiers() -> Mapping[str, Mapping[str, int]]:
    """Tier name to its limits: concurrency, requests_per_minute, tokens_per_minute."""
    tiers: Mapping[str, Mapping[str, int]] = _facts()["tiers"]
    return tiers
