"""Which requests are under way at this moment."""

import time
from itertools import count

from stepeval.core.chat import Exchange, Request
from stepeval.core.ports import Send


class Outstanding:
    """A Send that knows what it waits for."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = count()
        self._since: dict[int, int] = {}  # the oldest first, as a dict keeps its order

    def __len__(self) -> int:
        return len(self._since)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest was sent (monotonic)."""
        return next(iter(self._since.values()), None)

    async def __call__(self, request: Request, *, scheduled_ns: int) -> Exchange:
        number = next(self._numbers)
        self._since[number] = time.monotonic_ns()
        try:
            return await self._send(request, scheduled_ns=scheduled_ns)
        finally:
            del self._since[number]
