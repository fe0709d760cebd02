"""Drafts of the grid become Arms: checked against what is known of models, and named."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepeval.core.errors import did_you_mean, misspelling, nearest
from stepeval.core.models import check_parameter, known_models
from stepeval.core.task import Arm, Prompt, Provider
from stepeval.suite.findings import Findings, Place
from stepeval.suite.grid import Draft, Setting, arm_content
from stepeval.suite.sentences import describe

_NOT_PARAMETERS = ("provider", "model", "prompt")
_IN_PROMPT = ("tools", "response_format")
_SCALARS = frozenset(
    {"presence_penalty", "max_completion_tokens", "top_k", "min_p", "seed", "user", "service_tier"}
)
_LONGEST_LABEL = 80


def read_arms(
    drafts: Sequence[Draft],
    prompts: Mapping[str, Prompt],
    providers: Mapping[str, Provider],
    findings: Findings,
    *,
    merge: bool,
) -> tuple[Arm, ...]:
    """Arms with unique names; mistakes go to ``findings``.

    ``merge``: arms that became the same by the command line's doing are one arm, with a warning;
    without it they are a mistake of the suite.
    """
    good = [draft for draft in drafts if _is_right(draft, prompts, providers, findings)]
    names = name_arms(good)
    found: dict[str, Arm] = {}
    for draft, name in zip(good, names, strict=True):
        arm = _arm(draft, name)
        content = arm_content(arm, providers[arm.provider], prompts[arm.prompt])
        first = found.setdefault(content, arm)
        if first is not arm and merge:
            sentence = f"arms {first.name!r} and {name!r} are now the same; {name!r} is left out"
            findings.warning(sentence, None)
        elif first is not arm:
            sentence = f"arms {first.name!r} and {name!r} send the same requests; remove one"
            findings.error(sentence, draft.place)
    return tuple(found.values())


def _arm(draft: Draft, name: str) -> Arm:
    values = {key: setting.value for key, setting in draft.settings.items()}
    params = {
        key: value
        for key, value in values.items()
        if key not in _NOT_PARAMETERS and value is not None
    }
    return Arm(name, values["provider"], values["model"], values["prompt"], params)


def _is_right(
    draft: Draft,
    prompts: Mapping[str, Prompt],
    providers: Mapping[str, Provider],
    findings: Findings,
) -> bool:
    settings = draft.settings
    named = [
        _is_name(draft, "provider", providers, findings),
        _is_name(draft, "prompt", prompts, findings),
        _is_name(draft, "model", None, findings),
    ]
    if not all(named):
        return False
    model = settings["model"].value
    meant = misspelling(model, known_models()) if model not in known_models() else None
    if meant is not None:
        sentence = f"unknown model {model!r} (did you mean {meant!r}?)"
        findings.warning_once(sentence, settings["model"].place or draft.place)
    prompt = prompts[settings["prompt"].value]
    right = True
    for name, setting in settings.items():
        if name not in _NOT_PARAMETERS and setting.value is not None:
            right &= _is_parameter(model, name, setting, prompt, findings)
    return right


def _is_name(draft: Draft, kind: str, known: Mapping[str, Any] | None, findings: Findings) -> bool:
    setting = draft.settings.get(kind)
    if setting is None or setting.value is None:
        findings.error(*_unnamed(draft, kind))
        return False
    value, place = setting.value, setting.place or draft.place
    if not isinstance(value, str) or not value.strip():
        findings.error(_scalar_sentence(kind, value, "text"), place)
        return False
    if known is not None and value not in known:
        findings.error(f"unknown {kind} {value!r}{did_you_mean(value, known)}", place)
        return False
    return True


def _unnamed(draft: Draft, kind: str) -> tuple[str, Place | None]:
    """Any key may be a parameter, so a misspelt one is found only by what is missing."""
    for name, setting in draft.settings.items():
        if nearest(name, (kind,)) and name != kind:
            return f"no {kind} is named (did you mean {kind!r} by {name!r}?)", setting.place
    sentence = f"no {kind} is named: set 'defaults: {{{kind}: ...}}' or a grid axis {kind!r}"
    return sentence, draft.place


def _scalar_sentence(name: str, value: Any, kind: str) -> str:
    if isinstance(value, list):
        return f"{name} must be {kind}, not a list: a list multiplies only under grid:"
    return f"{name} must be {kind}, not {describe(value)}"


def _is_parameter(
    model: str, name: str, setting: Setting, prompt: Prompt, findings: Findings
) -> bool:
    value, place = setting.value, setting.place
    if name == "messages":
        findings.error("'messages' belong to a prompt, not to the parameters", place)
        return False
    if name in _IN_PROMPT and getattr(prompt, name):
        sentence = f"{name} is set here and in prompt {prompt.id!r}; set it in one place"
        findings.error(sentence, place)
        return False
    if isinstance(value, list) and _is_scalar(name, value):
        findings.error(_scalar_sentence(name, value, "one value"), place)
        return False
    problem = check_parameter(model, name, value)
    if problem is None:
        return True
    (findings.error if problem.fatal else findings.warning_once)(problem.message, place)
    return not problem.fatal


def _is_scalar(name: str, value: Any) -> bool:
    """Whether a list is wrong for this parameter at any model."""
    problem = check_parameter(known_models()[0], name, value)
    return name in _SCALARS or (problem is not None and problem.fatal and name not in _IN_PROMPT)


def name_arms(drafts: Sequence[Draft]) -> list[str]:
    """One unique name each, from what varies; an arm that is named keeps its name."""
    copies = Counter(draft.name for draft in drafts)  # more than one where models multiply
    unnamed = [draft for draft in drafts if draft.name is None]
    varying = _varying(unnamed)
    labels = []
    for draft in drafts:
        if draft.name is None:
            labels.append(_label(draft, varying))
        elif copies[draft.name] > 1:
            labels.append(f"{draft.name}/{_shown(draft.settings['model'].value)}")
        else:
            labels.append(draft.name)
    return _unique(labels, [draft.name is not None for draft in drafts])


def _varying(drafts: Iterable[Draft]) -> list[str]:
    """Keys whose values differ; model and prompt first, then as they were written."""
    values: dict[str, set[str]] = {}
    drafts = list(drafts)
    keys = dict.fromkeys(key for draft in drafts for key in draft.settings)
    for key in keys:
        values[key] = {json.dumps(_value(draft, key), sort_keys=True) for draft in drafts}
    differing = [key for key in keys if len(values[key]) > 1]
    first = [key for key in _NOT_PARAMETERS if key in differing]
    return first + [key for key in differing if key not in _NOT_PARAMETERS]


def _value(draft: Draft, key: str) -> Any:
    setting = draft.settings.get(key)
    return setting.value if setting else None


def _label(draft: Draft, varying: Sequence[str]) -> str:
    parts = []
    for key in varying:
        value = _value(draft, key)
        if isinstance(value, str):
            parts.append(value)
        elif value is not None:
            parts.append(f"{key}={_shown(value)}")
        elif key in draft.settings:
            parts.append(f"{key}=unset")
    label = "/".join(parts) or str(draft.settings["model"].value)
    label = "".join(letter if letter.isprintable() else "?" for letter in label)
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 3] + "..."


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unique(labels: Sequence[str], kept: Sequence[bool]) -> list[str]:
    taken = {label for label, keep in zip(labels, kept, strict=True) if keep}
    given: set[str] = set()
    last: dict[str, int] = {}  # where the search for a free number goes on: labels may all be one
    found = []
    for label, keep in zip(labels, kept, strict=True):
        number = 1 if keep else last.get(label, 1)
        candidate = label if number == 1 else f"{label}~{number}"
        while candidate in given or (candidate in taken and not keep):
            number += 1
            candidate = f"{label}~{number}"
        given.add(candidate)
        last[label] = max(number, last.get(label, 1))
        found.append(candidate)
    return found
