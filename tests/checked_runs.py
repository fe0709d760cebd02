"""Small runs made by hand, to be held against what their suite expects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stepeval.core.baseline import Baseline
from stepeval.core.chat import (
    Choice,
    Exchange,
    Failure,
    FailureKind,
    JsonObject,
    Message,
    Response,
    Timing,
    Usage,
)
from stepeval.core.gate import GatePlan
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Attempt, Mode, Record, RunInfo, Score, ScoreRow, TokenCount
from stepeval.core.task import (
    Arm,
    Cell,
    Expectation,
    Prompt,
    Provider,
    Sample,
    ScoringRule,
    Suite,
)

RUN = RunInfo("20260101-000000-s-0a1b", "s", "hash", Mode.SIMULATED, 1_767_225_600.0, "h", {}, "c")

RIGHT = Expectation()


@dataclass(frozen=True)
class HandMade:
    """A RecordReader without a store."""

    run_info: RunInfo
    made_suite: Suite
    made: tuple[tuple[Record, tuple[ScoreRow, ...]], ...] = field(default=())

    def info(self) -> RunInfo:
        return self.run_info

    def suite(self) -> Suite:
        return self.made_suite

    def records(self) -> Iterator[Record]:
        yield from (record for record, _ in self.made)

    def scores(self) -> Iterator[ScoreRow]:
        yield from (row for _, rows in self.made for row in rows)

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        yield from self.made

    def baseline(self) -> Baseline | None:
        return None

    def looks(self) -> tuple[JsonObject, ...]:
        return ()

    def limit_changes(self) -> tuple[LimitChange, ...]:
        return ()

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def token_counts(self) -> Iterator[TokenCount]:
        return iter(())


def hand_made(
    answers: dict[str, Sequence[float | str | None]],
    expect: Expectation = RIGHT,
    *,
    epochs: int = 1,
    text: str = "said",
    gate: GatePlan | None = None,
    source: str | None = None,
    scored: bool = True,
) -> HandMade:
    """``answers``: by sample id, each epoch's score in the arm ``a``.

    None is a failed request, "lost" an answer that was cut off before it began, "mute" one that
    its rule could not judge. Epochs that are not given are missing.
    """
    samples = tuple(Sample(name, f"question {name}", "right") for name in answers)
    arm = Arm("a", "p", "m", "plain")
    suite = Suite(
        name="s",
        providers=(Provider("p", "https://api.example/v1"),),
        prompts=(Prompt("plain", (Message("user", "{{ input }}"),)),),
        samples=samples,
        arms=(arm,),
        scoring=(ScoringRule("rule", "exact"),) if scored else (),
        epochs=epochs,
        expect=expect,
        source=source,
    )
    made = tuple(
        _answered(Cell(f"{sample.id}-{epoch}", arm, sample, epoch), said, text, scored=scored)
        for sample in samples
        for epoch, said in enumerate(answers[sample.id])
    )
    return HandMade(replace(RUN, gate=gate), suite, made)


def _answered(
    cell: Cell, said: float | str | None, text: str, *, scored: bool
) -> tuple[Record, tuple[ScoreRow, ...]]:
    result: Response | Failure = Failure(FailureKind.SERVER, "it broke", 500)
    if said is not None:
        lost = said == "lost"
        choice = Choice(0, "" if lost else text, None, (), "length" if lost else "stop")
        result = Response("r", "m", (choice,), Usage(1, 1), Timing(0, 0, 1, 250_000_000))
    attempt = Attempt(1, 0.0, 0, 1, Exchange("https://api.example/v1", "{}", result))
    if said is None or not scored:
        return Record(cell, (attempt,)), ()
    value = None if said == "mute" else 0.0 if said == "lost" else float(said)
    score = ScoreRow(cell.id, 0, "rule", Score("exact", value, text, f"found {text!r}"))
    return Record(cell, (attempt,)), (score,)
