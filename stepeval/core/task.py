"""What is to be done: a suite after it has been read, checked and expanded.

The YAML's own notions (grids, files, defaults) end in :mod:`stepeval.suite`; a Suite holds what
will run, so that a stored one can be resumed without the file it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepeval.core.amounts import Money
from stepeval.core.chat import JsonObject, Message
from stepeval.core.identity import content_id


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``first_byte`` is the longest wait for the response to begin (None: as ``read``),
    ``read`` the longest silence after that, ``total`` the whole request's time.
    """

    connect: float = 10.0
    tls: float = 10.0
    first_byte: float | None = None
    read: float = 300.0
    write: float = 30.0
    total: float = 900.0

    @property
    def to_first_byte(self) -> float:
        return self.read if self.first_byte is None else self.first_byte


@dataclass(frozen=True, slots=True)
class Provider:
    """``key_env`` names the variables a key is looked for in, first one first; empty: no key.

    ``trusted``: the user, not only the suite's author, vouches for this address.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """``messages`` hold templates; a Sample's values are put in when the request is made."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[JsonObject, ...] = ()
    response_format: JsonObject | None = None


class _Keyed:
    """The place for a key that is reckoned once: a dict for each of 100,000 samples takes more."""

    __slots__ = ("_key",)
    _key: str


@dataclass(frozen=True, slots=True)
class Sample(_Keyed):
    """``input`` is text or named values; ``target`` whatever the scorers compare with.

    ``key`` identifies the content, wherever the sample stands and whatever its metadata: with the
    epoch it is what arms, prompt versions and runs are paired on.
    """

    id: str
    input: str | JsonObject
    target: Any = None
    choices: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)

    @property
    def key(self) -> str:
        try:
            return self._key
        except AttributeError:
            key = content_id(self.id, self.input, self.target, self.choices)
            object.__setattr__(self, "_key", key)
            return key


@dataclass(frozen=True, slots=True)
class Arm:
    """One point of the grid: what is compared with the other arms on the same samples.

    ``params`` go on the wire as they are; ``prompt`` and ``provider`` are names.
    """

    name: str
    provider: str
    model: str
    prompt: str
    params: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One request to be made. ``id`` hashes its content, never a position: the resume key."""

    id: str
    arm: Arm
    sample: Sample
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class ScoringRule:
    """``where`` restricts the rule to samples whose metadata match (a list means any of)."""

    id: str
    scorer: str
    options: JsonObject = field(default_factory=dict)
    weight: float = 1.0
    negate: bool = False
    where: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_attempts`` counts the first one; ``max_cells`` refuses a grid that is larger.

    ``learned``: nobody said how many requests may be in flight, so the run finds out; then
    ``concurrency`` is only what to reckon with before it begins.
    """

    concurrency: int = 8
    max_attempts: int = 4
    max_cells: int = 100_000
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may use at most, all its sessions together; None: no bound.

    ``requests`` counts attempts, ``time_s`` the seconds in which it ran. ``confirm_above``: a
    person is asked before a run that may cost more. ``give_up_after_s``: how long a service may be
    down; None: as long as is usual.
    """

    cost: Money | None = None
    tokens: int | None = None
    time_s: float | None = None
    requests: int | None = None
    confirm_above: Money | None = None
    give_up_after_s: float | None = None

    @property
    def bounds_anything(self) -> bool:
        return any(
            bound is not None for bound in (self.cost, self.tokens, self.time_s, self.requests)
        )


@dataclass(frozen=True, slots=True)
class Price:
    """Per million tokens, in ``currency``. ``as_of`` is the date it was read, if it is known."""

    currency: str
    input: float
    cached: float
    output: float
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test may assert of a suite's answers; a run by itself asserts nothing.

    ``least``: the mean score, 0 to 1, that each sample must reach in each arm; None: an answer is
    enough. ``floor``: the mean score that no arm may be shown to lie below. ``known_failing`` are
    names as :func:`item_name` has them, or a sample's id for all arms. ``limit``: only so many
    samples are asked for a test. ``baseline`` is the name of what each arm is gated against, by
    ``margin`` in points of the score; ``inconclusive``: "pass" or "fail" where that is to count so.
    """

    least: float | None = 1.0
    floor: float | None = None
    known_failing: tuple[str, ...] = ()
    limit: int | None = None
    baseline: str | None = None
    margin: float | None = None
    inconclusive: str | None = None

    def is_known_failing(self, sample: str, arm: str) -> bool:
        return sample in self.known_failing or item_name(sample, arm) in self.known_failing


def item_name(sample: str, arm: str) -> str:
    """A sample in an arm, as tests call it."""
    return f"{sample}[{arm}]"


@dataclass(frozen=True, slots=True)
class Suite:
    """``prices`` override the known ones, by model. ``source`` is the file it was read from.

    ``cache``: answers that the user's response cache has are not asked for again. ``asides`` are
    arms of no grid: a gate asks them to confirm what it found, and for nothing else.
    """

    name: str
    providers: tuple[Provider, ...]
    prompts: tuple[Prompt, ...]
    samples: tuple[Sample, ...]
    arms: tuple[Arm, ...]
    description: str = ""
    scoring: tuple[ScoringRule, ...] = ()
    epochs: int = 1
    seed: int = 0
    limits: Limits = Limits()
    budget: Budget = Budget()
    prices: Mapping[str, Price] = field(default_factory=dict)
    source: str | None = None
    cache: bool = False
    expect: Expectation = Expectation()
    asides: tuple[Arm, ...] = ()

    @property
    def cell_count(self) -> int:
        """Of the grid, without what its asides may be asked."""
        return len(self.arms) * len(self.samples) * self.epochs

    @property
    def every_arm(self) -> tuple[Arm, ...]:
        return (*self.arms, *self.asides)

    def provider(self, name: str) -> Provider:
        return next(provider for provider in self.providers if provider.name == name)

    def prompt(self, prompt_id: str) -> Prompt:
        return next(prompt for prompt in self.prompts if prompt.id == prompt_id)


def metadata_matches(where: JsonObject, metadata: JsonObject) -> bool:
    """Whether every named field has the wanted value; a list wants any one of its values."""
    return all(
        metadata.get(name) in wanted
        if isinstance(wanted, list | tuple)
        else metadata.get(name) == wanted
        for name, wanted in where.items()
    )
