"""The memories of a run: a response cache, a cassette that is read, one that is recorded."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from stepeval.api.nearest import why_missing
from stepeval.client.address import completions_url
from stepeval.client.playback import play
from stepeval.client.wire_request import encode
from stepeval.core.chat import Exchange, Request, Response, Taped
from stepeval.core.errors import StoreError
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Cell, Provider
from stepeval.execution.gate import Shut
from stepeval.execution.memory import BlankMemory, Memory
from stepeval.store.cache import CacheKey, ResponseCache
from stepeval.store.cassette import Cassette, Slot
from stepeval.store.cassette_entry import Asked, Entry, asked
from stepeval.store.recording import Recording


class Source(Memory, Protocol):
    """A memory with something to say before the run and after it."""

    def warnings(self) -> tuple[str, ...]: ...

    def lacking(self, cells: set[str]) -> set[str]:
        """Which of those that have their record must be asked for again all the same."""

    def ended(self, cells: set[str], *, complete: bool) -> tuple[str, ...]:
        """``cells`` have their record.

        Raises:
            StoreError: What was to be kept could not be.
        """


class Nothing(BlankMemory):
    """A run that asks the API for everything and keeps nothing beside its store."""

    def warnings(self) -> tuple[str, ...]:
        return ()

    def lacking(self, cells: set[str]) -> set[str]:  # noqa: ARG002 -- the protocol's
        return set()

    def ended(self, cells: set[str], *, complete: bool) -> tuple[str, ...]:  # noqa: ARG002 -- the protocol's
        return ()


class Addresses:
    """Where requests would go and what they would say, as the suite has it, simulator or not."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        """Raises UsageError for an address that is none."""
        self._providers = {p.name: p for p in providers}
        self._urls = {name: completions_url(p) for name, p in self._providers.items()}

    def url(self, request: Request) -> str:
        return self._urls[request.provider]

    def headers(self, request: Request) -> Mapping[str, str]:
        return self._providers[request.provider].headers


class Cached(Nothing):
    """``offline``: what the cache does not know is not asked for."""

    def __init__(
        self, cache: ResponseCache, addresses: Addresses, mode: Mode, *, offline: bool
    ) -> None:
        self._cache, self._addresses, self._mode = cache, addresses, mode
        self._offline = offline
        self._told: str | None = None

    def recall(self, cell: Cell, request: Request) -> Exchange | None:
        body = encode(request)
        found = self._cache.get(self._key(cell, request, body))
        if found is not None:
            return Exchange(self._addresses.url(request), body, found, from_cache=True)
        if self._offline:
            raise Shut(
                f"--offline, and the cache has no answer to {_named(cell)}"
                + ("" if self._cache.trouble is None else f": {self._cache.trouble}")
            )
        return None

    def keep(self, cell: Cell, request: Request, number: int, exchange: Exchange) -> None:  # noqa: ARG002 -- the protocol's
        answer = exchange.result
        if isinstance(answer, Response) and answer.choices:
            self._cache.add(self._key(cell, request, exchange.body), answer, time.time())

    def warnings(self) -> tuple[str, ...]:
        self._told = self._cache.trouble
        return () if self._told is None else (self._told,)

    def ended(self, cells: set[str], *, complete: bool) -> tuple[str, ...]:  # noqa: ARG002 -- the protocol's
        trouble = self._cache.trouble
        return () if trouble is None or trouble == self._told else (f"warning: {trouble}",)

    def _key(self, cell: Cell, request: Request, body: str) -> CacheKey:
        address = urlsplit(self._addresses.url(request))
        return CacheKey(
            mode=self._mode,
            host=f"{address.scheme}://{address.netloc}",
            path=f"{address.path}?{address.query}",
            model=request.model,
            headers=self._addresses.headers(request),
            body=json.loads(body),
            epoch=cell.epoch,
        )


class Replay(Nothing):
    """Each cell takes over the life of one that made the same request, its own where it is there,
    and gets that one's answers in their order.
    """

    def __init__(
        self,
        cassette: Cassette,
        addresses: Addresses,
        *,
        suite_hash: str,
        whole: bool,
    ) -> None:
        """``whole``: no cell was replayed before, so that what is left over was never used."""
        self._cassette, self._info = cassette, cassette.info
        self._addresses, self._whole = addresses, whole
        self._shut: str | None = None
        self._suite_hash = suite_hash
        self._lives: dict[Asked, dict[str, list[Slot]]] = {}
        self._under_way: dict[str, list[Slot]] = {}
        self._total = self._left = len(cassette.slots)
        for slot in cassette.slots:
            self._lives.setdefault(slot.asked, {}).setdefault(slot.cell, []).append(slot)

    def recall(self, cell: Cell, request: Request) -> Exchange:
        body, url = encode(request), self._addresses.url(request)
        life = self._under_way.get(cell.id)
        if life is None:
            life = self._under_way[cell.id] = self._claim(cell, url, body)
        if not life:
            self._shut = self._shut or self._missing(cell, asked(url, json.loads(body), cell.epoch))
            raise Shut(self._shut)
        entry = life.pop(0).entry()
        self._left -= 1
        return Exchange(url, body, play(entry.wire, time.monotonic_ns()))

    def warnings(self) -> tuple[str, ...]:
        if self._info.suite_hash == self._suite_hash:
            return ()
        since = f"the suite is not as it was when {self._info.name} was recorded"
        return (f"{since}; the requests that are still the same are replayed",)

    def ended(self, cells: set[str], *, complete: bool) -> tuple[str, ...]:  # noqa: ARG002 -- the protocol's
        if not (complete and self._whole and self._left):
            return ()
        share = f"{self._left} of {self._total} entries"
        return (f"{self._info.name}: {share} were not used; record it again to leave them out",)

    def _claim(self, cell: Cell, url: str, body: str) -> list[Slot]:
        lives = self._lives.get(asked(url, json.loads(body), cell.epoch), {})
        name = cell.id if cell.id in lives else next(iter(lives), None)
        return [] if name is None else lives.pop(name)

    def _missing(self, cell: Cell, wanted: Asked) -> str:
        why = why_missing(wanted, [slot.asked for slot in self._cassette.slots])
        return f"{self._info.name} has no answer to {_named(cell)}: {why}"


class Recorder(Nothing):
    """Keeps every exchange in ``recording``, and makes ``target`` of them in the end."""

    def __init__(
        self, recording: Recording, addresses: Addresses, info: RunInfo, target: Path
    ) -> None:
        self._recording, self._addresses = recording, addresses
        self._info, self._target = info, target
        self._trouble: StoreError | None = None
        self._withheld: Cell | None = None
        self._again = f"stepeval resume {info.id} --record {target}"

    def recall(self, cell: Cell, request: Request) -> None:  # noqa: ARG002 -- the protocol's
        if self._trouble is not None:
            raise Shut(str(self._trouble))

    def lacking(self, cells: set[str]) -> set[str]:
        """What a full disk or a power failure took, or held a key."""
        return set() if self._recording.written else self._recording.lacks(cells)

    def keep(self, cell: Cell, request: Request, number: int, exchange: Exchange) -> None:
        if not isinstance(exchange, Taped) or exchange.wire is None:
            self._withheld = self._withheld or cell
            return
        body = json.loads(exchange.body)
        url = self._addresses.url(request)
        try:
            self._recording.add(Entry(url, body, cell.epoch, cell.id, number, exchange.wire))
        except StoreError as error:  # the run's own store is still to get this answer
            self._trouble = self._trouble or error

    def ended(self, cells: set[str], *, complete: bool) -> tuple[str, ...]:
        if not complete:
            return (f"{self._target} is written when the run is complete",)
        if self._recording.written:
            return (f"{self._info.id} is complete, and its cassette was written when it became so",)
        lacking = len(self._recording.lacks(cells))
        if self._trouble is not None and lacking:
            raise StoreError(f"{self._trouble}; {self._again} asks again for what it lacks")
        if lacking and self._withheld is not None:
            raise StoreError(
                f"{self._target} is not written: {lacking} of {len(cells)} answers hold the API "
                "key in a form that it cannot be taken out of (in pieces, escaped, compressed), "
                f"the first of them to {_named(self._withheld)}. The run has them all; "
                f"{self._again} asks for these again"
            )
        count = self._recording.finish(self._target, self._info, time.time())
        return (f"{self._target}: {count} exchanges recorded",)


def _named(cell: Cell) -> str:
    return f"the request of arm {cell.arm.name!r}, sample {cell.sample.id!r}, epoch {cell.epoch}"
