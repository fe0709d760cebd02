"""A part of a suite: some arms, some samples, a random few."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stepeval.core.errors import UnknownName, UsageError
from stepeval.core.task import Suite
from stepeval.suite.grid import sample_order


def select(
    suite: Suite, *, arms: Sequence[str] = (), samples: Sequence[str] = (), limit: int | None = None
) -> Suite:
    """The suite with only these arms and samples (by name and id; none named: all of them).

    ``limit`` keeps the first N samples of the random order of :func:`stepeval.suite.grid.cells`:
    a random subset, whose cells a later full run begins with.

    Raises:
        UnknownName: No arm or sample has this name.
        UsageError: The limit is below 1.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"the limit must be at least 1, not {limit}")
    _check("arm", arms, (arm.name for arm in suite.arms))
    _check("sample", samples, (sample.id for sample in suite.samples))
    kept_arms, kept_samples = set(arms), set(samples)
    chosen = tuple(s for s in suite.samples if not samples or s.id in kept_samples)
    if limit is not None:
        first = sorted(sample_order(chosen, seed=suite.seed)[:limit])
        chosen = tuple(chosen[index] for index in first)
    return replace(
        suite,
        arms=tuple(arm for arm in suite.arms if not arms or arm.name in kept_arms),
        samples=chosen,
    )


def _check(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    existing = set(known)
    for name in names:
        if name not in existing:
            raise UnknownName(kind, name, existing)
