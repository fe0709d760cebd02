"""Arms made by hand: rows of only what a comparison looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.pairing import ArmValues, arm_values
from stepeval.core.chat import Message
from stepeval.core.record import Mode, Outcome, RunInfo
from stepeval.core.task import Arm, Price, Prompt, Provider, Sample, ScoringRule, Suite

PRICE = Price("USD", 0.2, 0.04, 1.15)


def sample_of(sample_id: str, clusters: Mapping[str, str] | None = None) -> Sample:
    name = (clusters or {}).get(sample_id)
    return Sample(sample_id, "", metadata={} if name is None else {"cluster": name})


def row(sample: str, score: float | None = 1.0, *, arm: str = "a", **known: Any) -> SampleRow:
    """A score of None: the request failed."""
    epoch, choice = known.get("epoch", 0), known.get("choice", 0)
    outcome = Outcome.CORRECT if score == 1 else Outcome.INCORRECT
    values = {
        "arm": arm,
        "mode": Mode.LIVE,
        "cell_id": f"{arm}-{sample}-{epoch}",
        "sample_id": sample,
        "sample_key": sample_of(sample).key,
        "epoch": epoch,
        "choice": choice,
        "outcome": Outcome.FAILED if score is None else outcome,
        "correct": None if score is None else score == 1,
        "score": score,
        "currency": "USD",
        **known,
    }
    return SampleRow(**{c.name: values.get(c.name) for c in fields(SampleRow)})  # type: ignore[arg-type]  # a row of only what the test concerns


def values(rows: Sequence[SampleRow], arm: str = "a") -> ArmValues:
    return arm_values(rows, [arm])[arm]


def side(
    rows: Sequence[SampleRow],
    name: str = "a",
    *,
    params: Mapping[str, Any] | None = None,
    model: str = "m",
    run_id: str = "run",
    clusters: Mapping[str, str] | None = None,
    unfit: str | None = None,
    **suite: Any,
) -> ComparedArm:
    """``clusters`` by sample id."""
    arm = Arm(name, "p", model, "plain", params or {})
    known = {
        "name": "suite",
        "providers": (Provider("p", "https://api.example/v1"),),
        "prompts": (Prompt("plain", (Message("user", "{{ input }}"),)),),
        "samples": tuple(sample_of(r.sample_id, clusters or {}) for r in rows),
        "arms": (arm,),
        "scoring": (ScoringRule("exact", "exact"),),
        **suite,
    }
    info = RunInfo(run_id, "suite", "hash", Mode.LIVE, 0.0, "host", {"stepeval": "1"}, "")
    return ComparedArm(
        name, name, arm, info, Suite(**known), values(rows, rows[0].arm), PRICE, unfit
    )


def binary(b: int, c: int, n: int, **known: Any) -> tuple[list[SampleRow], list[SampleRow]]:
    """Rows of A and B on ``n`` items: ``b`` only A has right, ``c`` only B; the rest both."""
    a_scores = [1.0] * b + [0.0] * c + [1.0] * (n - b - c)
    b_scores = [0.0] * b + [1.0] * c + [1.0] * (n - b - c)
    return (
        [row(f"s{i:03d}", score, **known) for i, score in enumerate(a_scores)],
        [row(f"s{i:03d}", score, **known) for i, score in enumerate(b_scores)],
    )
