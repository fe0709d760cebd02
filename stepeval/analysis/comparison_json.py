"""A comparison as JSON-like values, for scripts. docs/compare.md names every field."""

from dataclasses import asdict
from typing import Any

from stepeval.analysis import compare_words
from stepeval.analysis.compare import CONFIDENCE, Comparison, Row
from stepeval.analysis.compared import Compared
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.flakiness import Flakiness
from stepeval.analysis.flips import Flip
from stepeval.analysis.tiers import Ladder


def compared_json(compared: Compared) -> dict[str, Any]:
    return {
        "confidence": CONFIDENCE,
        "sides": [_side(side) for side in compared.sides],
        "notes": list(compared.notes),
        "families": compare_words.family(compared.comparisons),
        "comparisons": [_comparison(one) for one in compared.comparisons],
        "tiers": [_ladder(one) for one in compared.ladders],
        "flakiness": [_flakiness(one) for one in compared.flaky],
    }


def _side(side: ComparedArm) -> dict[str, Any]:
    return {
        "name": side.name,
        "run_id": side.info.id,
        "mode": side.info.mode.value,
        "suite": side.suite.name,
        "arm": side.arm.name,
        "model": side.arm.model,
        "prompt": side.arm.prompt,
        "params": dict(side.arm.params),
        "answers": len(side.values.rows),
        "currency": side.values.currency,
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "a": one.a.name,
        "b": one.b.name,
        "sentence": compare_words.sentence(one),
        "settings": list(one.settings),
        "unlike": [asdict(unlike) for unlike in one.unlike],
        "items": one.pairs.items,
        "pairs": len(one.pairs.keys),
        "only_a": one.pairs.only_a,
        "only_b": one.pairs.only_b,
        "changed": one.pairs.changed,
        "metrics": [_row(row) for row in one.rows],
        "needed": None if one.needed is None else {**asdict(one.needed), "more": one.needed.more},
        "flips": {
            "gained": [_flip(flip) for flip in one.flips.gained],
            "lost": [_flip(flip) for flip in one.flips.lost],
            "both_right": one.flips.both_right,
            "both_wrong": one.flips.both_wrong,
        },
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "metric": row.metric.key,
        "kind": row.metric.kind.value,
        "a": row.a,
        "b": row.b,
        **asdict(row.difference.estimate),
        "test": row.difference.test,
        "p": row.difference.p,
        "p_adjusted": row.p_adjusted,
        "family": row.family.value,
        "verdict": compare_words.verdict(row),
        "withheld": row.withheld,
    }


def _flip(flip: Flip) -> dict[str, Any]:
    sample_key, epoch, choice = flip.key
    return {
        "sample_id": flip.sample_id,
        "sample_key": sample_key,
        "epoch": epoch,
        "choice": choice,
        "a": {"cell_id": flip.a[0], "outcome": flip.a_outcome.value, "text": flip.a_text},
        "b": {"cell_id": flip.b[0], "outcome": flip.b_outcome.value, "text": flip.b_text},
    }


def _ladder(one: Ladder) -> dict[str, Any]:
    return {
        "arms": list(one.arms),
        "advice": compare_words.advice([step.comparison for step in one.steps]),
        "on_front": dict(one.on_front),
        "steps": [
            {
                "a": step.comparison.a.name,
                "b": step.comparison.b.name,
                "extra_cost": asdict(step.extra_cost),
                "currency": step.comparison.a.values.currency,
            }
            for step in one.steps
        ],
    }


def _flakiness(one: Flakiness) -> dict[str, Any]:
    return asdict(one)
