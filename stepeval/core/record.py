"""What happened: attempts, records, scores, and the run they belong to. Never edited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stepeval.core.chat import Exchange, Failure, JsonObject, Response
from stepeval.core.gate import GatePlan
from stepeval.core.load import LoadPlan
from stepeval.core.task import Cell


class Mode(StrEnum):
    """Where a run's answers came from. Runs of different modes are never mixed."""

    LIVE = "LIVE"
    SIMULATED = "SIMULATED"
    REPLAY = "REPLAY"  # recorded earlier, and read from a cassette: no request was made


class Outcome(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNSCORED = "unscored"
    NO_ANSWER = "no_answer"  # empty content at the length limit: lost to thinking
    FILTERED = "filtered"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Attempt:
    """``started_at`` is the wall clock (seconds since 1970), for people; durations come from the
    monotonic ``started_ns`` and ``ended_ns``. ``turn`` counts the turns of a conversation.
    """

    number: int
    started_at: float
    started_ns: int
    ended_ns: int
    exchange: Exchange
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A cell with its final result. ``attempts`` hold every try, the last one included."""

    cell: Cell
    attempts: tuple[Attempt, ...]

    @property
    def result(self) -> Response | Failure:
        return self.attempts[-1].exchange.result

    @property
    def from_cache(self) -> bool:
        return self.attempts[-1].exchange.from_cache


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` lies in 0..1; None means it could not be judged, which is not a wrong answer.

    ``answer`` is what the scorer read out of the text.
    """

    scorer: str
    value: float | None
    answer: str | None = None
    explanation: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A Score with its place: which choice of which cell, by which rule."""

    cell_id: str
    choice: int
    rule: str
    score: Score


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens of a cell's answer by a vocabulary on this machine, where the server told none.

    ``input_tokens`` are those of the messages' texts, without what a chat template adds.
    ``output_tokens`` are all, ``reasoning_tokens`` those of them that are reasoning.
    """

    cell_id: str
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class CassetteInfo:
    """What a replayed run's answers were read from. ``mode`` is that of the run that recorded
    them, ``recorded_at`` its end in seconds since 1970, ``suite_hash`` its suite's.
    """

    name: str
    digest: str
    mode: Mode
    recorded_at: float
    suite_hash: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Where a run's numbers come from. ``created_at`` is seconds since 1970.

    ``load`` is what a benchmark was asked to do; None for an evaluation. ``cassette`` is what a
    run of mode REPLAY read; ``recorded`` says that a run is to become a cassette. ``gate`` is
    what it was told to decide.
    """

    id: str
    suite_name: str
    suite_hash: str
    mode: Mode
    created_at: float
    host: str
    versions: Mapping[str, str]
    command: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    label: str | None = None
    load: LoadPlan | None = None
    cassette: CassetteInfo | None = None
    recorded: bool = False
    gate: GatePlan | None = None

    @property
    def may_stop(self) -> bool:
        """Whether it may be complete without all cells of its grid."""
        return self.gate is not None and self.gate.may_stop

    @property
    def asked_as(self) -> Mode:
        """LIVE or SIMULATED: whom the requests were sent to, by whichever run."""
        return self.mode if self.cassette is None else self.cassette.mode
