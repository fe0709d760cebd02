"""What the simulated model answers to a body: seeded and pure.

The draws depend on the seed and on what shapes an answer (messages, sampling, effort, ...), not on
how it is delivered: a stream says what the same request without ``stream`` says, and
``max_tokens`` or ``stop`` cut the very answer that would have come without them (only filler, for
prompts that no key knows, is made to measure).
"""

import json
import random
from dataclasses import replace
from hashlib import blake2b

import orjson

from stepeval.core.chat import JsonObject
from stepeval.simulator.answers import AnswerKey, Entry, key_of, right, wrong
from stepeval.simulator.effort import DEFAULT_EFFORT, EFFORTS
from stepeval.simulator.plan import Plan, PlannedCall, PlannedChoice
from stepeval.simulator.prose import filler, thoughts, tokens_of, value_for
from stepeval.simulator.tools import invented_calls, known_calls

_DELIVERY = frozenset({"stream", "stream_options", "max_tokens", "stop", "n", "reasoning_format"})
_DEFAULT_TEMPERATURE = 0.5
_UNKNOWN_DIFFICULTY = 0.3  # of prompts without an entry: it only sets the length of thought
_LONGEST_FILLER = 200
_SHORTEST_FILLER = 20
_HARDLY_EVER = 0.15
_HALF = 0.5


def draw_id(body: JsonObject) -> str:
    """Equal for bodies that ask for the same answer, however it is to be delivered."""
    asked = {name: value for name, value in body.items() if name not in _DELIVERY}
    return _digest(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS))


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=16).hexdigest()


def plan(
    body: JsonObject,
    key: AnswerKey,
    seed: int,
    *,
    repeat: int = 0,
    cached_tokens: int = 0,
) -> Plan:
    """A pure function of its arguments. ``body`` is one that ``check`` found no fault with.

    ``repeat`` counts the equal bodies before this one; with a temperature above 0 it may change
    the answer, the likelier the higher it is.
    """
    drawn = draw_id(body)
    effort = body.get("reasoning_effort") or DEFAULT_EFFORT
    entry = key.get(key_of(body["messages"])) if key else None
    choices = tuple(
        _choice(body, entry, effort, random.Random(_choice_seed(body, seed, drawn, repeat, index)))
        for index in range(body.get("n") or 1)
    )
    prompt_tokens = prompt_token_count(body)
    return Plan(
        id=_digest(f"{seed}:{drawn}:{repeat}".encode()),
        model=body["model"],
        effort=effort,
        choices=choices,
        prompt_tokens=prompt_tokens,
        cached_tokens=min(cached_tokens, prompt_tokens),
    )


def prompt_token_count(body: JsonObject) -> int:
    """A token for every four bytes of the messages, and for tools too."""
    return len(prompt_text(body)) // 4 + 4 * len(body["messages"])


def prompt_text(body: JsonObject) -> bytes:
    """The prompt as the model reads it, tools first: what its prefix cache compares."""
    tools = orjson.dumps(body["tools"]) if body.get("tools") else b""
    parts = [tools]
    for message in body["messages"]:
        content = message.get("content")
        text = content if isinstance(content, str) else orjson.dumps(content).decode()
        parts.append(f"{message['role']}\n{text}\n".encode())
    return b"".join(parts)


def _choice_seed(body: JsonObject, seed: int, drawn: str, repeat: int, index: int) -> str:
    temperature = body.get("temperature")
    heat = _DEFAULT_TEMPERATURE if temperature is None else temperature
    fresh = random.Random(f"{seed}:{drawn}:{repeat}:heat").random() < heat
    return f"{seed}:{drawn}:{repeat if fresh else 0}:{index if heat else 0}"


def _choice(
    body: JsonObject, entry: Entry | None, effort_name: str, rng: random.Random
) -> PlannedChoice:
    effort = EFFORTS[effort_name]
    difficulty = entry.difficulty if entry else _UNKNOWN_DIFFICULTY
    correct = rng.random() < effort.chance(difficulty) if entry else None
    role_first, end_token, filled_chunks = (rng.random() >= _HARDLY_EVER for _ in range(3))
    indexed_calls, says_tool_calls = (rng.random() >= _HALF for _ in range(2))
    reasoning = thoughts(effort.thinking_tokens(difficulty, rng), rng)
    text, calls = _said(body, entry, correct, len(reasoning), rng)
    uncut = PlannedChoice(
        reasoning=reasoning,
        answer=() if calls else tokens_of(_until_stop(text, body.get("stop"))),
        calls=calls,
        finish_reason="tool_calls" if calls and says_tool_calls else "stop",
        correct=correct,
        ttft_factor=effort.ttft_factor,
        role_first=role_first,
        end_token=end_token,
        empty_chunk=not filled_chunks,
        indexed_calls=indexed_calls,
    )
    limit = body.get("max_tokens")
    return uncut if limit is None or uncut.tokens <= limit else _cut(uncut, limit)


def _said(
    body: JsonObject, entry: Entry | None, correct: bool | None, thought: int, rng: random.Random
) -> tuple[str, tuple[PlannedCall, ...]]:
    """The answer's text, and the calls that are made in its place."""
    if entry is None:
        calls = invented_calls(body, rng)
        return ("" if calls else _formatted(_invented(body, thought, rng), body, rng)), calls
    text = right(entry) if correct else wrong(entry, rng)
    calls = known_calls(body, text, rng)
    return (text if calls else _formatted(text, body, rng)), calls


def _invented(body: JsonObject, thought: int, rng: random.Random) -> str:
    limit = body.get("max_tokens")
    if limit is None:
        return filler(rng.randrange(_SHORTEST_FILLER, _LONGEST_FILLER // 2), rng)
    return filler(min(_LONGEST_FILLER, max(1, limit - thought)), rng)


def _formatted(text: str, body: JsonObject, rng: random.Random) -> str:
    """JSON where JSON is asked for: the text itself if it is some, else an object around it."""
    wanted = body.get("response_format") or {}
    if wanted.get("type", "text") == "text":
        return text
    try:
        if isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        pass
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    value = value_for(schema, rng) if isinstance(schema, dict) else {"answer": text}
    return json.dumps(value, ensure_ascii=False)


def _until_stop(text: str, stop: str | list[str] | None) -> str:
    """The text before the first of the stop texts, which is not part of it."""
    stops = [stop] if isinstance(stop, str) else stop or ()
    places = [text.find(each) for each in stops if each]
    return text[: min((place for place in places if place >= 0), default=len(text))]


def _cut(choice: PlannedChoice, limit: int) -> PlannedChoice:
    """The first ``limit`` tokens: thinking comes first, so an answer can be lost to it."""
    left = max(0, limit - len(choice.reasoning))
    calls = []
    room = left
    for call in choice.calls:
        if room > 0:
            calls.append(replace(call, arguments=call.arguments[: room - 1]))
            room -= len(call.arguments) + 1
    return replace(
        choice,
        reasoning=choice.reasoning[:limit],
        answer=choice.answer[:left],
        calls=tuple(calls),
        finish_reason="length",
        end_token=False,
        empty_chunk=False,
    )
