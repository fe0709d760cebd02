"""What a search for the highest rate tried and found, in words and as data."""

from dataclasses import asdict
from typing import Any

from stepeval.core.load import Bracket, Trial, Verdict

_ALL_ANSWERED = 0.95  # of the rate that was due


def trial_words(trial: Trial) -> str:
    """What a load's requests showed."""
    if trial.share is None:
        return "unclear, nothing was measured"
    said = f"{trial.verdict}, {trial.share:.1%} within the objectives (n = {trial.n:,})"
    if trial.answered is None or trial.answered >= _ALL_ANSWERED:
        return said
    return f"{said}, {trial.answered:.1%} of the rate answered"


def search_words(found: Bracket) -> str:
    """The rates themselves have no more digits than their distance gives a meaning to."""
    kept, missed = found.kept, found.missed
    if kept is None:
        return "none of the rates tried"
    said = f"{kept.load:g}/s (kept, n = {kept.n:,})"
    if missed is None:
        return f"{said}, the highest that was asked for"
    verdict = "not" if missed.verdict is Verdict.BROKEN else missed.verdict
    return f"between {said} and {missed.load:g}/s ({verdict}, n = {missed.n:,})"


def search_json(found: Bracket | None) -> dict[str, Any]:
    """``best`` is the rate that was held; None where none was, or none was looked for."""
    if found is None:
        return {"best": None, "bracket": None}
    return {"best": None if found.kept is None else found.kept.load, "bracket": asdict(found)}
