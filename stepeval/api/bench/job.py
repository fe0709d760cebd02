"""What the processes of a benchmark tell each other. Every value here has a JSON form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stepeval.api.bench.pace import Pace
from stepeval.core.load import Health, Trial
from stepeval.core.ports import RunListener
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Provider, Suite
from stepeval.execution.executor import Execution
from stepeval.execution.measure import Measured


@dataclass(frozen=True, slots=True)
class Job:
    """``providers``: where requests go, which is not what the suite says with the embedded
    simulator. ``with_keys``: look for keys, where they always are; none ever stands in a job.
    """

    run_id: str
    suite: Suite
    mode: Mode
    providers: tuple[Provider, ...]
    with_keys: bool
    pace: Pace
    synthetic: bool = False
    max_attempts: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A phase to run from ``begin_ns`` on (monotonic), with the cells from the ``start``-th on."""

    number: int
    repeat: int
    load: float
    begin_ns: int
    start: int


@dataclass(frozen=True, slots=True)
class Start:
    """The first word to a worker: which of how many it is. ``warm`` and ``measured``: files of the
    :class:`stepeval.execution.purse.SharedPurse` that a closed loop's parts take their requests
    from, inherited.
    """

    job: Job
    part: int
    parts: int
    warm: int
    measured: int


@dataclass(frozen=True, slots=True)
class Command:
    """An order, or the wish to stop: the first gentle, the second at once."""

    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt, and the cell it belongs to, by the names the suite has for its parts."""

    cell_id: str
    arm: str
    sample_key: str
    epoch: int
    attempt: Attempt
    final: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is under way at this moment. ``oldest_ns``: when the oldest of it was sent (monotonic),
    None where nothing is. ``draining``: nothing more will be sent in this phase.
    """

    in_flight: int = 0
    oldest_ns: int | None = None
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A worker's word: an attempt, a phase's end, what is under way, an error; none of them: it is
    ready.
    """

    told: Told | None = None
    measured: Measured | None = None
    pulse: Pulse | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PhaseEnd:
    """A phase of all processes together. ``lost``: why one of them did not see its end."""

    steady_ns: int
    end_ns: int
    drained_ns: int
    taken: int
    health: tuple[Health, ...]
    execution: Execution
    lost: str | None = None


class Engine(Protocol):
    """What sends: this process, or several."""

    async def measure(self, order: Order) -> PhaseEnd: ...

    def pulse(self) -> Pulse: ...


class LoadListener(RunListener, Protocol):
    def phase_began(self, order: Order, *, phases: int | None) -> None:
        """``phases``: how many there will be, None where that depends on what is measured."""

    def judged(self, trial: Trial, *, goes_on: bool) -> None:
        """A search has tried this load, and ``goes_on`` with it where it is unclear."""

    def under_way(self, pulse: Pulse) -> None:
        """Twice a second, whether or not anything is answered; must return at once."""


def together(parts: Sequence[Measured], *, lost: str | None = None) -> PhaseEnd:
    """The window from where the first part began to measure, for by then the warm-up that they
    share was sent, to where the first one ended. ``parts`` is not empty.
    """
    end_ns = min(part.end_ns for part in parts)
    executions = [part.execution for part in parts]
    return PhaseEnd(
        steady_ns=min(*(part.steady_ns for part in parts), end_ns),
        end_ns=end_ns,
        drained_ns=max(part.drained_ns for part in parts),
        taken=max(part.taken for part in parts),
        health=tuple(part.health for part in parts),
        execution=Execution(
            sum(each.recorded for each in executions),
            sum(each.failed for each in executions),
            next((each.stopped for each in executions if each.stopped is not None), None),
            next((each.fatal for each in executions if each.fatal is not None), None),
        ),
        lost=lost,
    )
