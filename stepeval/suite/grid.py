"""The grid: a plan becomes arms, arms and samples become cells. Lazy all the way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import count, islice, product
from math import prod
from typing import Any

from stepeval.core.identity import content_id
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.suite.findings import Place


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of the grid and where it was written; no place for one of the command line."""

    value: Any
    place: Place | None = None


Settings = Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Draft:
    """An arm before its name and its values are checked."""

    settings: Settings
    place: Place | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What multiplies. ``combos`` come last and win: they are the command line's.

    ``product``: whether the axes (or the defaults alone, without an axis) make arms of their own
    beside ``extras``, which are the grid's ``include`` and ``arms``.
    """

    base: Settings
    axes: Mapping[str, Sequence[Setting]]
    extras: Sequence[Draft] = ()
    exclude: Sequence[Mapping[str, Any]] = ()
    combos: Sequence[Settings] = ({},)
    product: bool = True
    place: Place | None = None


def count_arms(plan: Plan) -> int:
    """``(prod(values of each axis) + extras) * combos``, before any ``exclude``."""
    multiplied = prod(len(values) for values in plan.axes.values()) if plan.product else 0
    return (multiplied + len(plan.extras)) * len(plan.combos)


def expand_arms(plan: Plan) -> Iterator[Draft]:
    """Without the excluded ones. Named drafts of several combos keep one name."""
    if plan.product:
        for values in product(*plan.axes.values()):
            chosen = dict(zip(plan.axes, values, strict=True))
            for combo in plan.combos:
                draft = Draft({**plan.base, **chosen, **combo}, plan.place)
                if not any(is_excluded(draft, pattern) for pattern in plan.exclude):
                    yield draft
    for extra in plan.extras:
        for combo in plan.combos:
            yield Draft({**plan.base, **extra.settings, **combo}, extra.place, extra.name)


def is_excluded(draft: Draft, pattern: Mapping[str, Any]) -> bool:
    """Every key of the pattern matches; a list matches any of its values."""
    return all(
        name in draft.settings and _matches(draft.settings[name].value, wanted)
        for name, wanted in pattern.items()
    )


def _matches(value: Any, wanted: Any) -> bool:
    candidates = wanted if isinstance(wanted, list) else [wanted]
    return any(
        value == each and isinstance(value, bool) == isinstance(each, bool) for each in candidates
    )


def arm_content(arm: Arm, provider: Provider, prompt: Prompt) -> str:
    """Hash of what an arm sends and where to; its name is not part of it."""
    return content_id(
        [provider.name, provider.base_url],
        [
            [asdict(message) for message in prompt.messages],
            prompt.tools,
            prompt.response_format,
        ],
        arm.model,
        arm.params,
    )


def cells(suite: Suite) -> Iterator[Cell]:
    """Every cell, in the suite's random order, which is the same on every machine.

    Epoch by epoch, the samples of each in an order of its own; all arms of an item follow each
    other, in random order too, so that a slow hour of the server meets all of them. The order
    comes from hashes of the content: leaving out samples or arms does not move the others.
    """
    arms = _contents(suite)
    for epoch in range(suite.epochs):
        yield from _epoch(suite, arms, epoch)


def endless_cells(suite: Suite, start: int = 0) -> Iterator[Cell]:
    """The cells of every epoch without end, in the same order, from the ``start``-th on."""
    arms = _contents(suite)
    epoch, skipped = divmod(start, len(suite.arms) * len(suite.samples))
    yield from islice(_epoch(suite, arms, epoch), skipped, None)
    for later in count(epoch + 1):
        yield from _epoch(suite, arms, later)


def _contents(suite: Suite) -> list[tuple[str, Arm]]:
    return [
        (arm_content(arm, suite.provider(arm.provider), suite.prompt(arm.prompt)), arm)
        for arm in suite.arms
    ]


def _epoch(suite: Suite, arms: Sequence[tuple[str, Arm]], epoch: int) -> Iterator[Cell]:
    for index in sample_order(suite.samples, seed=suite.seed, epoch=epoch):
        yield from _item(arms, suite.samples[index], epoch, suite.seed)


def item_cells(suite: Suite) -> Callable[[Sample, int], list[Cell]]:
    """What makes a sample's cells of an epoch, for those who choose the samples' order."""
    arms = _contents(suite)
    return lambda sample, epoch: _item(arms, sample, epoch, suite.seed)


def _item(arms: Sequence[tuple[str, Arm]], sample: Sample, epoch: int, seed: int) -> list[Cell]:
    item = [
        Cell(content_id(content, sample.key, epoch), arm, sample, epoch) for content, arm in arms
    ]
    if len(item) > 1:  # a hash for each cell of millions, to sort nothing
        item.sort(key=lambda cell: _rank(seed, cell.id))
    return item


def sample_order(samples: Sequence[Sample], *, seed: int, epoch: int = 0) -> list[int]:
    """Positions of the samples in the random order of one epoch."""
    ranks = [_rank(seed, epoch, sample.key) for sample in samples]
    return sorted(range(len(samples)), key=ranks.__getitem__)


def _rank(*parts: int | str) -> bytes:
    text = "/".join(map(str, parts))
    return blake2b(text.encode(), digest_size=8).digest()
