"""What the simulated model has decided to say, before a byte of it is sent."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """``arguments`` in the pieces a stream sends them in; joined they are JSON."""

    id: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class PlannedChoice:
    """``reasoning`` and ``answer`` are tokens; joined they are the texts.

    ``correct`` is None where no key says what would be. ``ttft_factor`` stretches the wait for
    the first token. ``role_first``: a chunk with the role alone comes before the first token.
    ``end_token``: the closing chunk adds a token (end of sequence) to the usage.
    """

    reasoning: tuple[str, ...]
    answer: tuple[str, ...]
    calls: tuple[PlannedCall, ...]
    finish_reason: str
    correct: bool | None
    ttft_factor: float
    role_first: bool
    end_token: bool
    empty_chunk: bool
    indexed_calls: bool

    @cached_property
    def tokens(self) -> int:
        called = sum(len(call.arguments) + 1 for call in self.calls)
        closing = self.end_token + self.empty_chunk
        return len(self.reasoning) + len(self.answer) + called + closing


@dataclass(frozen=True)
class Plan:
    """``id`` (32 hexadecimal digits) names this answer; ``prompt_tokens`` include the cached."""

    id: str
    model: str
    effort: str
    choices: tuple[PlannedChoice, ...]
    prompt_tokens: int
    cached_tokens: int

    @cached_property
    def completion_tokens(self) -> int:
        return sum(choice.tokens for choice in self.choices)
