"""Mistakes and warnings on their way to the user, each with the place where it stands."""

from dataclasses import dataclass, field

from stepeval.core.errors import Problem, SuiteError


@dataclass(frozen=True, slots=True)
class Place:
    """``file`` as the user would type it; lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def problem(self, message: str) -> Problem:
        return Problem(message, self.file, self.line, self.column)


@dataclass(slots=True)
class Findings:
    """Collects instead of raising, so that one run of the loader tells every mistake.

    The same sentence at the same place is kept once: many arms may share one wrong value.
    """

    _errors: dict[Problem, None] = field(default_factory=dict)
    _warnings: dict[Problem, None] = field(default_factory=dict)

    def error(self, message: str, place: Place | None) -> None:
        self._errors[_problem(message, place)] = None

    def warning(self, message: str, place: Place | None) -> None:
        self._warnings[_problem(message, place)] = None

    def warning_once(self, message: str, place: Place | None) -> None:
        """Not again for the same sentence elsewhere."""
        if not any(known.message == message for known in self._warnings):
            self.warning(message, place)

    def take(self, error: SuiteError) -> None:
        self._errors.update(dict.fromkeys(error.problems))

    @property
    def failed(self) -> bool:
        return bool(self._errors)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(self._warnings)

    def raise_errors(self, first_file: str) -> None:
        """Raises SuiteError, in the order of the files' lines; does nothing without an error."""
        if self._errors:
            raise SuiteError(
                sorted(
                    self._errors,
                    key=lambda p: (p.file != first_file, p.file or "", p.line or 0, p.column or 0),
                )
            )


def _problem(message: str, place: Place | None) -> Problem:
    return place.problem(message) if place else Problem(message)
