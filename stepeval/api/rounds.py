"""Which cells a run sends, and in how many rounds: what comes back may decide what is sent next."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Protocol

from stepeval.core.task import Cell, Suite
from stepeval.execution.executor import Execution
from stepeval.suite.grid import cells


class Rounds(Protocol):
    @property
    def total(self) -> int:
        """Cells of the run, as far as it is known by now."""

    @property
    def done(self) -> int:
        """How many of them need no request any more."""

    def following(self) -> Iterable[Cell] | None:
        """Those to be sent next; None where nothing more is to be asked.

        Called again when these have their records, and those are on disk.
        """


class Whole:
    """All but what is ``finished``, in one round. ``again``: only these, whatever is finished."""

    def __init__(
        self, suite: Suite, finished: frozenset[str], again: frozenset[str] | None = None
    ) -> None:
        self._suite, self._finished, self._again = suite, finished, again
        self._begun = False

    @property
    def total(self) -> int:
        return self._suite.cell_count

    @property
    def done(self) -> int:
        return len(self._finished) if self._again is None else self.total - len(self._again)

    def following(self) -> Iterable[Cell] | None:
        if self._begun:
            return None
        self._begun = True
        return (cell for cell in cells(self._suite) if self._is_wanted(cell.id))

    def _is_wanted(self, cell_id: str) -> bool:
        return cell_id not in self._finished if self._again is None else cell_id in self._again


async def execute_all(
    rounds: Rounds, execute: Callable[[Iterable[Cell]], Awaitable[Execution]]
) -> Execution:
    """Round by round, until there is none or one was stopped. ``execute`` returns when all of a
    round is on disk.
    """
    so_far = Execution(0, 0)
    while so_far.stopped is None and (todo := rounds.following()) is not None:
        found = await execute(todo)
        so_far = replace(
            found,
            recorded=so_far.recorded + found.recorded,
            failed=so_far.failed + found.failed,
        )
    return so_far
