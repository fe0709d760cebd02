"""The seams: what one room needs of another, handed in by :mod:`stepeval.api`."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from stepeval.core.baseline import Baseline
from stepeval.core.chat import Choice, Exchange, JsonObject, Request
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Attempt, Record, RunInfo, Score, ScoreRow, TokenCount
from stepeval.core.task import Cell, Sample, Suite

MakeRequest: TypeAlias = Callable[[Cell], Request]


class Send(Protocol):
    """One request over the wire, once. Never raises for what a server or network does."""

    async def __call__(self, request: Request, *, scheduled_ns: int) -> Exchange: ...


class RecordWriter(Protocol):
    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        """Returns when it is on disk. ``final``: the cell's record ends with this attempt.

        Raises:
            StoreError: It cannot be written; what was there before is intact.
        """


class RecordReader(Protocol):
    """A stored run. Iterators stream: a run may be larger than memory."""

    def info(self) -> RunInfo: ...

    def suite(self) -> Suite: ...

    def records(self) -> Iterator[Record]:
        """Cells with a final result, in the order they were finished."""

    def scores(self) -> Iterator[ScoreRow]:
        """The latest scoring's rows, grouped by cell, in the order of :meth:`records`."""

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        """Each of :meth:`records` with its :meth:`scores`, in one pass; not every one has some."""

    def limit_changes(self) -> tuple[LimitChange, ...]:
        """The limits that an evaluation was held to, in the order they came into force."""

    def baseline(self) -> Baseline | None:
        """What the run is gated against, as it was when the run began."""

    def looks(self) -> tuple[JsonObject, ...]:
        """Those of the procedure that decides when the run stops, in their order."""

    def phases(self) -> tuple[Phase, ...]:
        """What a load benchmark ran, in that order; none in an evaluation."""

    def token_counts(self) -> Iterator[TokenCount]:
        """What this client counted where the server told nothing, in the order of :meth:`records`;
        ``RunInfo.load.vocabulary`` says with what.
        """


class Scorer(Protocol):
    """Pure: the same sample and choice give the same score. A frozen dataclass of its options."""

    def __call__(self, sample: Sample, choice: Choice) -> Score: ...


class RunListener(Protocol):
    """Told of what happens while a run goes on; must return at once."""

    def started(self, *, total: int, already_done: int) -> None: ...

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None: ...

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        """A retry of this cell is due in ``seconds``."""
