"""How a run came to stop, as it is kept: the canary, each look, and what followed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stepeval.analysis.canary import Canary
from stepeval.analysis.course import Course
from stepeval.analysis.gate import Verdict
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.core.chat import JsonObject
from stepeval.core.errors import StoreError
from stepeval.core.ports import RecordReader


@dataclass(frozen=True, slots=True)
class Stopping:
    """``verdict`` None: the procedure has not come to its end."""

    canary: Canary | None
    looks: tuple[Look, ...]
    verdict: Verdict | None

    @property
    def has_drifted(self) -> bool:
        return self.canary is not None and self.canary.has_drifted

    def of(self, stage: Stage) -> tuple[Look, ...]:
        return tuple(look for look in self.looks if look.stage is stage)


def course_notes(course: Course) -> Iterator[JsonObject]:
    """What there is to be kept of it by now, always in one order."""
    if course.canary is not None:
        yield {"canary": asdict(course.canary)}
    for look in course.looks:
        yield {"look": asdict(look)}
    if course.outcome is not None:
        yield {"verdict": course.outcome.verdict.value}


def has_ended(reader: RecordReader) -> bool:
    """Whether the procedure that may stop a run early has come to its end."""
    return any("verdict" in note or "pick" in note for note in reader.looks())


def read_stopping(reader: RecordReader) -> Stopping:
    """Raises StoreError: the run's looks are none that a procedure wrote."""
    canary, looks, verdict = None, [], None
    try:
        for note in reader.looks():
            if "canary" in note:
                canary = read_canary(note)
            elif "look" in note:
                looks.append(read_look(note))
            else:
                verdict = Verdict(note["verdict"])
    except (LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{reader.info().id}: its looks cannot be read: {error!r}") from error
    return Stopping(canary, tuple(looks), verdict)


def read_canary(note: Mapping[str, Any]) -> Canary:
    return Canary(**note["canary"])


def read_look(note: Mapping[str, Any]) -> Look:
    data = note["look"]
    return Look(**{**data, "stage": Stage(data["stage"]), "decision": Decision(data["decision"])})
