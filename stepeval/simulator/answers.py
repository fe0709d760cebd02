"""What the simulated model knows: the answer to each prompt, and how hard it is."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepeval.core.chat import JsonObject
from stepeval.core.identity import content_id


@dataclass(frozen=True, slots=True)
class Entry:
    """``target_text`` is the right answer as the model would write it.

    ``wrong_text`` is its favourite mistake, if it has one; ``difficulty`` runs from 0 (everyone
    knows) to 1; ``choices`` are the possible answers where they are few. ``kind`` "tool_call":
    the target is JSON, ``{"name": ..., "arguments": {...}}`` or a list of those.
    """

    target_text: str
    wrong_text: str | None = None
    difficulty: float = 0.5
    choices: tuple[str, ...] = ()
    kind: str = "text"


AnswerKey: TypeAlias = Mapping[str, Entry]


def key_of(messages: Sequence[JsonObject]) -> str:
    """What an :data:`AnswerKey` is indexed by: the roles and contents of a body's messages."""
    return content_id([(message.get("role"), message.get("content")) for message in messages])


def right(entry: Entry) -> str:
    return entry.target_text


def wrong(entry: Entry, rng: random.Random) -> str:
    """A plausible answer that is not the target, not even but for case and outer space."""
    makers = (_favourite, _other_choice, _other_json, _other_number, _other_words)
    for make in makers:
        text = make(entry, rng)
        if text is not None and _differs(text, entry.target_text):
            return text
    return f"Not {entry.target_text.strip()}"


def _differs(text: str, target: str) -> bool:
    return text.strip().casefold() != target.strip().casefold()


def _favourite(entry: Entry, _rng: random.Random) -> str | None:
    return entry.wrong_text


def _other_choice(entry: Entry, rng: random.Random) -> str | None:
    # The longest choice that the target names: "12" is not meant where "120" stands.
    for named in sorted(entry.choices, key=len, reverse=True):
        place = re.search(rf"(?<!\w){re.escape(named)}(?!\w)", entry.target_text)
        others = [choice for choice in entry.choices if _differs(choice, named)]
        if place and others:
            text = entry.target_text
            return text[: place.start()] + rng.choice(others) + text[place.end() :]
    return None


def _other_json(entry: Entry, rng: random.Random) -> str | None:
    try:
        value = json.loads(entry.target_text)
    except (ValueError, RecursionError):
        return None
    return json.dumps(_altered(value, rng), ensure_ascii=False)


def _altered(value: Any, rng: random.Random) -> Any:
    """The same JSON with one leaf changed."""
    if isinstance(value, dict) and value:
        # Of a tool call the arguments go wrong, not its name: that is what models get wrong too.
        name = "arguments" if value.get("arguments") else rng.choice(sorted(value))
        return {**value, name: _altered(value[name], rng)}
    if isinstance(value, list) and value:
        place = rng.randrange(len(value))
        return [_altered(v, rng) if i == place else v for i, v in enumerate(value)]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        other = value + rng.choice((-2, -1, 1, 2, 10))
        return other if other != value else 0  # a float too large to notice
    return rng.choice(tuple(word for word in _WORDS if word != value))


_NUMBER = re.compile(r"\d+(?=\D*$)")  # the last one: where an answer ends with its result


def _other_number(entry: Entry, rng: random.Random) -> str | None:
    place = _NUMBER.search(entry.target_text)
    if place is None or len(place[0]) > _LONGEST_NUMBER:
        return None
    number, step = int(place[0]), rng.choice((-10, -2, -1, 1, 2, 10))
    other = str(number + step if number + step >= 0 else number - step).zfill(len(place[0]))
    return entry.target_text[: place.start()] + other + entry.target_text[place.end() :]


def _other_words(_entry: Entry, rng: random.Random) -> str | None:
    return rng.choice(_WORDS)


_LONGEST_NUMBER = 300  # digits; int() of thousands is refused
_WORDS = ("something else", "unknown", "a river", "neutral", "the second one", "Lisbon", "copper")
