"""Where a run's answers come from besides the API, and where they go besides its store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.access import used_providers
from stepeval.api.remembered import Addresses, Cached, Nothing, Recorder, Replay, Source
from stepeval.core.errors import UsageError
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Suite
from stepeval.store.cache import ResponseCache
from stepeval.store.cassette import Cassette, read_cassette
from stepeval.store.recording import Recording, check_target

DEFAULT_CACHE = Path(".stepeval") / "cache"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the command line says of it. ``cache`` is a folder; ``no_cache`` overrules the suite,
    which may ask for the default one. ``record`` and ``replay`` are cassettes.
    """

    cache: Path | None = None
    no_cache: bool = False
    record: Path | None = None
    replay: Path | None = None
    offline: bool = False

    @property
    def silent(self) -> bool:
        """Whether no request can leave, so that nobody needs a key."""
        return self.offline or self.replay is not None

    def check(self, suite: Suite, *, simulate: bool = False) -> None:
        """Raises UsageError where two of them cannot both be meant, or nothing would answer."""
        named = {"--cache": self.cache, "--record": self.record, "--replay": self.replay}
        told = [name for name, path in named.items() if path is not None]
        if len(told) > 1:
            raise UsageError(f"{' and '.join(told)}: say one of them, each answers in its own way")
        if simulate and self.silent:
            silent = "--offline" if self.offline else "--replay"
            raise UsageError(f"--simulate asks the simulator and {silent} asks nobody: say one")
        if self.offline and self.record is not None:
            raise UsageError("--record needs answers to record, and --offline lets none be asked")
        if self.cache is not None and self.no_cache:
            raise UsageError("--cache and --no-cache say the opposite: leave one out")
        if self.cache is not None and self.cache.exists() and not self.cache.is_dir():
            raise UsageError(f"--cache-dir {self.cache} is a file: name a folder")
        if self.offline and self.replay is None and self.cache_for(suite) is None:
            raise UsageError("--offline needs something that answers: --replay FILE, or --cache")
        if self.record is not None:
            check_target(self.record)

    def cache_for(self, suite: Suite) -> Path | None:
        if self.cache is not None:
            return self.cache
        asked = suite.cache and not (self.no_cache or self.record or self.replay)
        return DEFAULT_CACHE if asked else None

    def cassette(self) -> Cassette | None:
        """What is to be replayed.

        Raises:
            UsageError: It is no cassette, or was tampered with.
        """
        return None if self.replay is None else read_cassette(self.replay)

    def again(self) -> str:
        """What a resumed run must be told again, as it is typed."""
        for name, path in (("--record", self.record), ("--replay", self.replay)):
            if path is not None:
                return f" {name} {path}"
        return ""


def with_origin(info: RunInfo, sources: Sources, cassette: Cassette | None) -> RunInfo:
    """A new run's info with what it replays, or that it is recorded."""
    if cassette is None:
        return replace(info, recorded=sources.record is not None)
    return replace(info, mode=Mode.REPLAY, cassette=cassette.info)


def check_resumable(
    info: RunInfo, sources: Sources, cassette: Cassette | None, *, begun: bool
) -> None:
    """Raises UsageError where the rest of the run would not be of one kind with its beginning.

    ``begun``: it has answers.
    """
    if (info.mode is Mode.REPLAY) != (sources.replay is not None):
        if info.mode is Mode.REPLAY:
            raise UsageError(f"{info.id} replays a cassette: name it with --replay FILE")
        raise UsageError(f"{info.id} is {info.mode}; a replay is a run of its own")
    if sources.record is None and info.recorded:
        raise UsageError(f"{info.id} is being recorded: name its cassette with --record FILE")
    if sources.record is not None and begun and not info.recorded:
        raise UsageError(f"{info.id} has answers that were not recorded: record a run of its own")
    if cassette and info.cassette and cassette.info.digest != info.cassette.digest:
        raise UsageError(f"{sources.replay} is not the cassette that {info.id} began with")


def check_retriable(info: RunInfo) -> None:
    """Raises UsageError where other answers would make the run something else than it is."""
    if info.may_stop:
        raise UsageError(
            f"{info.id} stopped, or goes on, by its answers: other ones would not have; run its "
            "suite anew"
        )
    if info.mode is Mode.REPLAY or info.recorded:
        what = "replays" if info.mode is Mode.REPLAY else "made"
        raise UsageError(
            f"{info.id} {what} a cassette, whose answers it must keep: run its suite anew"
        )


@contextmanager
def remembering(
    sources: Sources,
    suite: Suite,
    info: RunInfo,
    run: Path,
    cassette: Cassette | None,
    *,
    begun: bool,
) -> Iterator[Source]:
    """The run's memory, open for as long as the block. ``run`` is its folder; ``begun``: it has
    answers.

    Raises:
        StoreError: What is to be recorded cannot be written.
    """
    addresses = Addresses(used_providers(suite))
    folder = sources.cache_for(suite)
    if cassette is not None:
        yield Replay(cassette, addresses, suite_hash=info.suite_hash, whole=not begun)
    elif sources.record is not None:
        with Recording(run) as recording:
            yield Recorder(recording, addresses, info, sources.record)
    elif folder is not None:
        with ResponseCache(folder) as cache:
            yield Cached(cache, addresses, info.mode, offline=sources.offline)
    else:
        yield Nothing()
