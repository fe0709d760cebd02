"""What is on its way, or back and not yet on disk: by arm, as it would be owed after a kill."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from stepeval.core.outlay import Used
from stepeval.core.ports import RecordWriter
from stepeval.core.record import Attempt
from stepeval.core.task import Cell


class Unsettled:
    """``note`` hears at every change what is unsettled of an arm, with what was ``lost`` before."""

    def __init__(self, note: Callable[[str, Used], None], lost: Mapping[str, Used]) -> None:
        self._note = note
        self._by_arm = dict(lost)
        self._by_cell: dict[str, deque[Used]] = {}

    def left(self, cell: Cell, most: Used) -> None:
        """A request may leave that uses ``most``. Told before it does."""
        self._by_cell.setdefault(cell.id, deque()).append(most)
        self._add(cell, most, 1)

    def stayed(self, cell: Cell) -> None:
        """The latest one of this cell was never sent."""
        self._add(cell, self._taken(cell, latest=True), -1)

    def writing(self, writer: RecordWriter) -> RecordWriter:
        """``writer``, each attempt of which is settled once it has returned."""
        return _Settling(writer, self)

    def kept(self, cell: Cell) -> None:
        """The earliest one of this cell is on disk; nothing where it was remembered, not sent."""
        if cell.id in self._by_cell:
            self._add(cell, self._taken(cell, latest=False), -1)

    def _taken(self, cell: Cell, *, latest: bool) -> Used:
        waiting = self._by_cell[cell.id]
        taken = waiting.pop() if latest else waiting.popleft()
        if not waiting:
            del self._by_cell[cell.id]
        return taken

    def _add(self, cell: Cell, used: Used, sign: int) -> None:
        arm = cell.arm.name
        known = self._by_arm.get(arm, Used())
        self._by_arm[arm] = replace(
            known,
            requests=known.requests + sign * used.requests,
            input=known.input + sign * used.input,
            output=known.output + sign * used.output,
        )
        self._note(arm, self._by_arm[arm])


class _Settling:
    def __init__(self, writer: RecordWriter, unsettled: Unsettled) -> None:
        self._writer = writer
        self._unsettled = unsettled

    async def add_attempt(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        await self._writer.add_attempt(cell, attempt, final=final)
        self._unsettled.kept(cell)
