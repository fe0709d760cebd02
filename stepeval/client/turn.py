"""One response as its connection hands it out: the head, then the body's reads, then the end."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TypeAlias

import httpx

from stepeval.client.http1 import ResponseHead
from stepeval.client.stamps import Read

Sink: TypeAlias = Callable[[bytes, Read], bool]

_MOST_WAITING = 1024 * 1024  # bytes of a body that nobody takes, before reading pauses


class Turn(httpx.AsyncByteStream):
    """A body that is poured into a sink as it comes, or iterated as httpx does.

    Pouring saves a task switch a read, which at a thousand streams is most of the work.
    ``on_room`` is called when a ``full`` turn is so no more, ``leave`` when nobody reads on.
    """

    def __init__(self, on_room: Callable[[], None], leave: Callable[["Turn"], None]) -> None:
        self._on_room, self._leave = on_room, leave
        self._loop = asyncio.get_running_loop()
        self._head: asyncio.Future[tuple[ResponseHead, Read]] | None = self._loop.create_future()
        self._waiting: deque[tuple[bytes, Read]] = deque()
        self._size = 0
        self._sink: Sink | None = None
        self._error: Exception | None = None
        self._enough = False  # the sink wants no more
        self._over = False  # nothing more will come
        self._changed: asyncio.Future[None] | None = None

    # What a response's reader calls

    async def head(self) -> tuple[ResponseHead, Read]:
        """Once. Raises httpx.TransportError where none came."""
        assert self._head is not None
        try:
            return await self._head
        except httpx.TransportError:
            self._error = None  # it holds frames that hold this turn
            raise
        finally:
            self._head = None

    async def pour(self, sink: Sink) -> None:
        """Calls ``sink`` with each read until it returns True or the body ends.

        Raises:
            httpx.TransportError: The body did not come to its end.
        """
        self._sink = sink
        while self._waiting and not self._enough:
            self._give(*self._waiting.popleft())
        self._emptied()
        if not (self._enough or self._over):
            await self._change()
        self._raise()

    async def drain(self, seconds: float) -> None:
        """Lets the rest of the body go by: only then can the connection be used again."""
        self._enough = True
        self._emptied()
        if not self._over:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._change()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._waiting:
                data, _ = self._waiting.popleft()
                yield data
            self._emptied()
            if self._over:
                break
            await self._change()
        self._raise()

    async def aclose(self) -> None:
        self._leave(self)

    # What its connection calls

    @property
    def full(self) -> bool:
        """Whether more waits to be taken than is good."""
        return self._size > _MOST_WAITING

    def begin(self, head: ResponseHead, read: Read) -> None:
        if self._head is not None and not self._head.done():
            self._head.set_result((head, read))

    def take(self, data: bytes, read: Read) -> None:
        if self._enough:
            return
        if self._sink is not None:
            self._give(data, read)
            return
        self._waiting.append((data, read))
        self._size += len(data)
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        if self._over:
            return
        self._over = True
        self._error = self._error or error
        if self._head is not None and not self._head.done():
            assert error is not None
            self._head.set_exception(error)
            self._head.exception()  # whoever has been cancelled does not look at it any more
        self._wake()

    def _give(self, data: bytes, read: Read) -> None:
        assert self._sink is not None
        try:
            self._enough = self._sink(data, read)
        except Exception as error:  # noqa: BLE001 -- it is the pourer's, and reaches it
            self._error, self._enough = error, True
        if self._enough:
            self._wake()

    def _emptied(self) -> None:
        self._waiting.clear()
        was_full, self._size = self.full, 0
        if was_full:
            self._on_room()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    async def _change(self) -> None:
        self._changed = self._loop.create_future()
        try:
            await self._changed
        finally:
            self._changed = None

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
