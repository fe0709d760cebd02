"""What a procedure noted while the run goes on, as a line for those who watch it."""

from stepeval.analysis.gate_words import canary_words, look_words
from stepeval.analysis.race_record import read_round
from stepeval.analysis.race_words import round_words
from stepeval.analysis.stopping import read_canary, read_look
from stepeval.core.chat import JsonObject


def note_words(note: JsonObject) -> str | None:
    """None for a verdict and a pick, which the end tells."""
    if "canary" in note:
        return canary_words(read_canary(note))
    if "look" in note:
        return look_words(read_look(note))
    return round_words(read_round(note)) if "round" in note else None
