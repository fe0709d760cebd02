"""What a suite says a test may assert of its answers."""

from collections.abc import Sequence
from typing import Any

from stepeval.core.errors import did_you_mean
from stepeval.core.margin import parse_points
from stepeval.core.task import Arm, Expectation, Sample, item_name
from stepeval.suite.findings import Findings
from stepeval.suite.schema import ExpectEntry
from stepeval.suite.yaml_tree import Node, place_of

_WORDS: dict[str, float | None] = {"correct": 1.0, "answered": None}


def read_expectation(
    entry: ExpectEntry,
    samples: Sequence[Sample],
    arms: Sequence[Arm],
    root: Node,
    findings: Findings,
) -> Expectation:
    """Mistakes become findings. Names are only looked up where there are samples and arms."""
    if samples and arms:
        _check_names(entry.known_failing, samples, arms, root, findings)
    if entry.baseline is None:
        for key in ("margin", "inconclusive"):
            if getattr(entry, key) is not None:
                sentence = f"{key} is of the gate: name its baseline, too"
                findings.error(sentence, place_of(root, ("expect", key), key=True))
    return Expectation(
        least=_least(entry.items, root, findings),
        floor=entry.score,
        known_failing=tuple(entry.known_failing),
        limit=entry.limit,
        baseline=entry.baseline,
        margin=_margin(entry.margin, root, findings),
        inconclusive=entry.inconclusive,
    )


def _least(value: Any, root: Node, findings: Findings) -> float | None:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    hint = did_you_mean(value, _WORDS) if isinstance(value, str) else ""
    sentence = f"items must be correct, answered, or a score from 0 to 1, not {value!r:.60}{hint}"
    findings.error(sentence, place_of(root, ("expect", "items")))
    return None


def _margin(value: Any, root: Node, findings: Findings) -> float | None:
    if value is None:
        return None
    try:
        return parse_points(str(value))
    except ValueError as error:
        findings.error(f"margin {error}", place_of(root, ("expect", "margin")))
        return None


def _check_names(
    names: Sequence[str],
    samples: Sequence[Sample],
    arms: Sequence[Arm],
    root: Node,
    findings: Findings,
) -> None:
    ids = {sample.id for sample in samples}
    for index, name in enumerate(names):
        if name in ids or any(_is_of(name, arm, ids) for arm in arms):
            continue
        hint = did_you_mean(name.partition("[")[0], ids)
        sentence = f"{name!r} is no sample, and no sample in an arm as in 'id[arm]'{hint}"
        findings.error(sentence, place_of(root, ("expect", "known_failing", index)))


def _is_of(name: str, arm: Arm, ids: set[str]) -> bool:
    ending = item_name("", arm.name)
    return name.endswith(ending) and name.removesuffix(ending) in ids
