"""Which arms meet: the words of a command line become pairs of arms of stored runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase
from typing import TypeAlias

from stepeval.analysis.tiers import ladders
from stepeval.core.errors import UnknownName, UsageError
from stepeval.core.task import Arm
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder


@dataclass(frozen=True, slots=True)
class Named:
    """One argument: a run, and the arm it names; None where it names all of them."""

    letter: str
    reader: RunReader
    arm: str | None

    @property
    def id(self) -> str:
        return self.reader.info().id

    @property
    def arms(self) -> tuple[Arm, ...]:
        known = self.reader.suite().arms
        return known if self.arm is None else tuple(arm for arm in known if arm.name == self.arm)


End: TypeAlias = tuple[Named, str]
"""An arm of a named run."""

Meeting: TypeAlias = tuple[End, End]


def find_named(names: Sequence[str], folder: Path) -> tuple[Named, ...]:
    """``RUN`` or ``RUN:ARM``, each.

    Raises:
        RunNotFound: No run has a name.
        UnknownName: A run has no such arm.
        UsageError: There are none or too many, or a run is a load benchmark.
    """
    if len(names) > len(ascii_uppercase):
        raise UsageError(f"{len(names)} runs are too many: {len(ascii_uppercase)} can be compared")
    return tuple(_find(letter, name, folder) for letter, name in zip(ascii_uppercase, names))  # noqa: B905  -- there are more letters than names


def meetings(named: Sequence[Named]) -> tuple[Meeting, ...]:
    """One run: its own arms. More: the first one's arms with those of each other one.

    Raises UsageError: there is nothing to compare.
    """
    found = _within(named[0]) if len(named) == 1 else [*_between(named)]
    ends = [((a.id, one), (b.id, other)) for (a, one), (b, other) in found]
    for (a, one), (b, other) in found:
        if (a.id, one) == (b.id, other):
            raise UsageError(f"{a.letter} and {b.letter} are one and the same arm: {a.id}:{one}")
    return tuple(pair for at, pair in enumerate(found) if ends[at] not in ends[:at])


def rungs(named: Sequence[Named]) -> tuple[tuple[Arm, ...], ...]:
    """Reasoning tiers of the one run whose arms are compared; see :func:`ladders`."""
    return ladders(named[0].arms) if len(named) == 1 else ()


def _find(letter: str, name: str, folder: Path) -> Named:
    run, arm = _split(name)
    reader = RunReader(RunsFolder(folder).find(run))
    info, known = reader.info(), [arm.name for arm in reader.suite().arms]
    if info.load is not None:
        raise UsageError(
            f"{info.id} is a load benchmark: its requests are no items that could be paired; "
            f"compare evaluations, and see `stepeval show {info.id}` for this one"
        )
    if arm is not None and arm not in known:
        raise UnknownName(f"arm of {info.id}", arm, known)
    return Named(letter, reader, arm)


def _split(name: str) -> tuple[str, str | None]:
    """A path may hold a colon; a run's id does not, and an arm's name may."""
    try:
        is_path = Path(name).exists()
    except (OSError, ValueError):  # too long, or with a NUL
        is_path = False
    run, colon, arm = name.partition(":")
    return (name, None) if is_path or not colon else (run, arm)


def _within(only: Named) -> list[Meeting]:
    """Adjacent tiers; tiers of different prompts or models at the same effort; the rest."""
    if len(only.arms) == 1:
        raise UsageError(
            f"{only.id}:{only.arms[0].name} is one arm: name another arm or run to compare it with"
        )
    groups = ladders(only.arms)
    found = [pair for group in groups for pair in pairwise(group)]
    for group in groups[1:]:
        found += [
            (one, other)
            for one in groups[0]
            for other in group
            if one.params["reasoning_effort"] == other.params["reasoning_effort"]
        ]
    on_ladders = {arm.name for group in groups for arm in group}
    first = only.arms[0]
    found += [(first, a) for a in only.arms if a.name not in on_ladders and a is not first]
    return [((only, a.name), (only, b.name)) for a, b in found]


def _between(named: Sequence[Named]) -> Iterator[Meeting]:
    first = named[0]
    for other in named[1:]:
        yield from (((first, a), (other, b)) for a, b in _matched(first, other))


def _matched(first: Named, other: Named) -> list[tuple[str, str]]:
    """One arm each, whatever their names; else arms of the same name."""
    left, right = ([arm.name for arm in side.arms] for side in (first, other))
    if len(left) == len(right) == 1:
        return [(left[0], right[0])]
    common = [name for name in left if name in right]
    if not common:
        raise UsageError(
            f"{first.id} and {other.id} have no arm of the same name ({', '.join(left[:5])}; "
            f"{', '.join(right[:5])}): say which as RUN:ARM"
        )
    return [(name, name) for name in common]
