"""When each piece of a plan is sent: pure, so that a truth log can be held against it."""

import random
from collections.abc import Iterator
from enum import StrEnum
from itertools import count
from typing import NamedTuple

from stepeval.simulator.plan import Plan, PlannedCall, PlannedChoice
from stepeval.simulator.speed import Speed

_NS_PER_MS = 1_000_000
_CACHE_SAVING = 0.9  # of the first token's wait, were the whole prompt in the cache
_ROLE_SHARE = 0.2  # of that wait, after which the role-only chunk goes out
_SEVERAL = 0.25  # of chunks carry more or fewer tokens than the usual number


class EventKind(StrEnum):
    ROLE = "role"
    REASONING = "reasoning"
    ANSWER = "answer"
    CALL = "call"
    EMPTY = "empty"
    FINISH = "finish"


class Event(NamedTuple):
    """One chunk of one choice. ``tokens`` are its own, not cumulative; ``first``: of its choice.

    ``call`` and ``call_index`` stand in CALL events; the first of a call has an empty ``text``.
    """

    delay_ns: int
    choice: int
    kind: EventKind
    tokens: int
    text: str = ""
    first: bool = False
    call: PlannedCall | None = None
    call_index: int = 0


def schedule(plan: Plan, speed: Speed) -> list[Event]:
    """All events in order of time; the choices of ``n`` > 1 take turns."""
    first_ns = _first_token_ns(plan, speed)
    events = [
        event
        for i in range(len(plan.choices))
        for event in _choice_events(plan, i, first_ns, speed)
    ]
    if len(plan.choices) > 1:
        events.sort(key=lambda event: event.delay_ns)
    # Scaled only now: without delays the choices still come in turns.
    return [event._replace(delay_ns=round(event.delay_ns * speed.scale)) for event in events]


def duration_ns(plan: Plan, speed: Speed) -> int:
    """From the request to the last token, as an answer that is not streamed waits for it."""
    if not speed.scale:
        return 0
    longest = max(choice.tokens for choice in plan.choices)
    return round((_first_token_ns(plan, speed) + longest * speed.itl_ms * _NS_PER_MS) * speed.scale)


def _first_token_ns(plan: Plan, speed: Speed) -> int:
    """Unscaled. The choices of a plan share their prefill, and so this moment."""
    cached = plan.cached_tokens / plan.prompt_tokens
    factor = plan.choices[0].ttft_factor * (1 - _CACHE_SAVING * cached)
    return round(speed.ttft_ms * factor * _jitter(speed, random.Random(plan.id)) * _NS_PER_MS)


def _jitter(speed: Speed, rng: random.Random) -> float:
    return rng.lognormvariate(0.0, speed.jitter) if speed.jitter else 1.0


class _Pace:
    """Hands out how many tokens share a chunk, and when the chunk is due."""

    def __init__(self, start_ns: int, speed: Speed, rng: random.Random) -> None:
        self._now_ns, self._speed, self._rng = start_ns, speed, rng
        self._started = False

    def size(self) -> int:
        usual = self._speed.tokens_per_chunk
        if not self._speed.jitter or self._rng.random() >= _SEVERAL:
            return usual
        return self._rng.randint(1, 2 * usual + 1)

    def due(self, tokens: int) -> int:
        if self._started:
            jitter = _jitter(self._speed, self._rng)
            self._now_ns += round(tokens * self._speed.itl_ms * jitter * _NS_PER_MS)
        self._started = True
        return self._now_ns


def _choice_events(plan: Plan, index: int, first_ns: int, speed: Speed) -> Iterator[Event]:
    choice = plan.choices[index]
    pace = _Pace(first_ns, speed, random.Random(f"{plan.id}:{index}"))
    numbered = count()
    if choice.role_first:
        delay_ns = round(first_ns * _ROLE_SHARE)
        yield Event(delay_ns, index, EventKind.ROLE, 0, first=next(numbered) == 0)
    for kind, tokens in (
        (EventKind.REASONING, choice.reasoning),
        (EventKind.ANSWER, choice.answer),
    ):
        for piece in _chunked(tokens, pace):
            due = pace.due(len(piece))
            first = next(numbered) == 0
            yield Event(due, index, kind, len(piece), "".join(piece), first)
    yield from _call_events(choice, index, pace)
    if choice.empty_chunk:
        yield Event(pace.due(1), index, EventKind.EMPTY, 1)
    yield Event(pace.due(1), index, EventKind.FINISH, int(choice.end_token))


def _chunked(tokens: tuple[str, ...], pace: _Pace) -> Iterator[tuple[str, ...]]:
    start = 0
    while start < len(tokens):
        end = start + pace.size()
        yield tokens[start:end]
        start = end


def _call_events(choice: PlannedChoice, index: int, pace: _Pace) -> Iterator[Event]:
    for number, call in enumerate(choice.calls):
        opening = Event(pace.due(1), index, EventKind.CALL, 1, call=call, call_index=number)
        yield opening
        for piece in _chunked(call.arguments, pace):
            due = pace.due(len(piece))
            yield opening._replace(delay_ns=due, tokens=len(piece), text="".join(piece))
