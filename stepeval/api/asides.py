"""The arms that a gate asks beside the grid: both prompts once more, and the old one's canary."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from stepeval.core.baseline import Baseline, BaselineArm
from stepeval.core.errors import StepevalError, UsageError, did_you_mean
from stepeval.core.identity import content_id
from stepeval.core.models import check_parameter
from stepeval.core.task import Arm, Cell, Sample, Suite
from stepeval.suite.grid import arm_content
from stepeval.suite.requests import make_request

_AGAIN, _BEFORE, _CANARY = "confirmation", "baseline's confirmation", "baseline's canary"


@dataclass(frozen=True, slots=True)
class Asides:
    """``again`` is the gated arm asked anew, ``before`` the baseline's, and ``canary`` too.

    Their answers are records of their own: no epoch and no cell is one of the grid's, so neither a
    cache nor a cassette can give one answer twice.
    """

    again: Arm
    before: Arm
    canary: Arm
    contents: tuple[str, str, str]
    epochs: int

    def fresh(self, sample: Sample) -> Iterator[Cell]:
        """Both prompts, as often as the grid asks each."""
        for epoch in range(self.epochs):
            yield self._cell(0, sample, self.epochs + epoch)
            yield self._cell(1, sample, 2 * self.epochs + epoch)

    def bird(self, sample: Sample) -> Cell:
        return self._cell(2, sample, 3 * self.epochs)

    def _cell(self, role: int, sample: Sample, epoch: int) -> Cell:
        arm = (self.again, self.before, self.canary)[role]
        names = (_AGAIN, _BEFORE, _CANARY)
        return Cell(
            content_id(names[role], self.contents[role], sample.key, epoch), arm, sample, epoch
        )


def with_asides(suite: Suite, candidate: Arm, baseline: Baseline, reference: BaselineArm) -> Suite:
    """The suite that can ask the baseline's prompt as well.

    Raises:
        UsageError: It cannot: the prompt does not fit, or its provider is not the suite's.
    """
    where = f"baseline {baseline.name!r}"
    _check(suite, reference, where)
    prompt = replace(reference.prompt, id=_free(where, [p.id for p in suite.prompts]))
    taken = [arm.name for arm in suite.arms]
    before = Arm("", reference.provider, reference.model, prompt.id, reference.params)
    named = {
        _AGAIN: candidate,
        _BEFORE: before,
        _CANARY: before,
    }
    asides = tuple(
        replace(arm, name=_free(f"{candidate.name} ({role})", taken)) for role, arm in named.items()
    )
    return replace(suite, prompts=(*suite.prompts, prompt), asides=asides)


def asides_of(suite: Suite) -> Asides:
    """Of a suite that :func:`with_asides` made, when it is run or resumed."""
    again, before, canary = suite.asides
    contents = tuple(
        arm_content(arm, suite.provider(arm.provider), suite.prompt(arm.prompt))
        for arm in suite.asides
    )
    return Asides(again, before, canary, (contents[0], contents[1], contents[2]), suite.epochs)


def check_rendering(suite: Suite) -> None:
    """Whether the asides' prompts fit every sample: nothing is sent before all of them do."""
    make = make_request(suite)
    for arm in suite.asides[1:2]:
        for sample in suite.samples:
            try:
                make(Cell("", arm, sample))
            except StepevalError as error:
                where = f"{arm.prompt} does not fit sample {sample.id!r}"
                raise UsageError(f"{where}: {error}") from None


def _check(suite: Suite, reference: BaselineArm, where: str) -> None:
    names = [provider.name for provider in suite.providers]
    if reference.provider not in names:
        hint = did_you_mean(reference.provider, names)
        raise UsageError(
            f"{where} was asked of provider {reference.provider!r}, which the suite does not "
            f"have{hint}: to confirm a drop, its prompt has to be asked again"
        )
    for name, value in reference.params.items():
        problem = check_parameter(reference.model, name, value)
        if problem is not None and problem.fatal:
            raise UsageError(f"{where} cannot be asked again: {problem.message}")


def _free(name: str, taken: list[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}~{number}", number + 1
    return candidate
