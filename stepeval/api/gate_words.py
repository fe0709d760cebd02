"""What the terminal says of a gate."""

from stepeval.analysis.gate_words import (
    change_words,
    gate_sentence,
    interval_points,
    margin_words,
    notes,
    stage_word,
)
from stepeval.analysis.race_words import race_notes, race_sentence

__all__ = [
    "change_words",
    "gate_sentence",
    "interval_points",
    "margin_words",
    "notes",
    "race_notes",
    "race_sentence",
    "stage_word",
]
