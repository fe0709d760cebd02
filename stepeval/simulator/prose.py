"""Words for a model that has none of its own: thoughts, filler and values for a JSON Schema."""

import random
import re
from collections.abc import Sequence
from typing import Any

from stepeval.core.chat import JsonObject

_TOKEN = re.compile(r"\s?\w{1,5}|\s?[^\w\s]|\s+")


def tokens_of(text: str) -> tuple[str, ...]:
    """The text in pieces of about a token each; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


_THOUGHTS = tokens_of(
    " Let me read the question again and note what is given. The wording asks for one thing only,"
    " so I should not answer more than that. First I list the quantities and their units. Then I"
    " look for the relation that connects them. A quick estimate tells me the order of magnitude,"
    " which will catch a slip later. Now the careful way, step by step. I take the first value and"
    " combine it with the second, keeping the signs in mind. That gives an intermediate result,"
    " which looks plausible. Wait, I should check whether the order matters here. It does not,"
    " because both ways lead to the same value. Next I consider the remaining condition. It rules"
    " out one of the candidates at once. The other one needs a closer look. Suppose it were true;"
    " then the second statement would have to hold as well, and it does. Let me verify it from the"
    " other side. Substituting back, the two sides agree. Is there a trap in the phrasing? Perhaps"
    " in the word that limits the range, but the result lies well inside. I also want the format"
    " to be as it was asked for, without extra words. One more check against the estimate from the"
    " beginning: it fits. I am fairly confident now, so I can write the final answer."
)
_SENTENCES = (
    "This is a simulated answer.",
    "It has the length and the rhythm of a real one, but no knowledge behind it.",
    "A stable measurement needs a server that behaves the same way twice.",
    "Short sentences are easier to read, and easier to count.",
    "Every word here was chosen by a seeded generator.",
    "The weather in the example is mild, with light wind from the west.",
    "Three things matter: the question, the answer and the time in between.",
    "Nothing in this text should be taken as advice.",
)


_SENTENCES_WITH_LENGTHS = tuple((text, len(tokens_of(" " + text))) for text in _SENTENCES)
_BEGINNINGS = tuple(
    place for place in range(len(_THOUGHTS)) if place == 0 or _THOUGHTS[place - 1] in ".?"
)


def thoughts(count: int, rng: random.Random) -> tuple[str, ...]:
    """``count`` tokens of reasoning, which begin with a sentence."""
    start = rng.choice(_BEGINNINGS)
    rounds = (start + count) // len(_THOUGHTS) + 1
    chosen = (_THOUGHTS * rounds)[start : start + count]
    return (chosen[0].lstrip(), *chosen[1:])


def filler(count: int, rng: random.Random) -> str:
    """Sentences of about ``count`` tokens, never fewer."""
    chosen: list[str] = []
    length = 0
    while length < count:
        sentence, tokens = rng.choice(_SENTENCES_WITH_LENGTHS)
        chosen.append(sentence)
        length += tokens
    return " ".join(chosen)


def value_for(schema: JsonObject, rng: random.Random, depth: int = 0) -> Any:
    """A value that satisfies the common part of JSON Schema: type, enum, const, properties."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "object" or "properties" in schema:
        return _object_for(schema, rng, depth)
    if kind == "array":
        items = schema.get("items")
        return [value_for(items, rng, depth + 1)] if isinstance(items, dict) else []
    return _scalar_for(kind, schema, rng)


_DEEPEST = 16


def _object_for(schema: JsonObject, rng: random.Random, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth > _DEEPEST:
        return {}
    return {
        name: value_for(rule if isinstance(rule, dict) else {}, rng, depth + 1)
        for name, rule in properties.items()
    }


def _scalar_for(kind: str | None, schema: JsonObject, rng: random.Random) -> Any:
    low = schema.get("minimum", 1)
    if kind == "integer":
        return int(low) + rng.randrange(9)
    if kind == "number":
        return low + rng.randrange(9) / 2
    if kind == "boolean":
        return rng.random() < 0.5  # noqa: PLR2004  a fair coin
    if kind == "null":
        return None
    words: Sequence[str] = ("Paris", "today", "blue", "morning", "seven")
    return rng.choice(words)
