"""What repeated runs of one item say: how often they agree, and what several tries would give."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stepeval.analysis.pairing import ArmValues
from stepeval.stats.estimate import Estimate, clustered_mean, mean_t, wilson
from stepeval.stats.passes import majority_at_k, pass_at_k, pass_hat_k

_SHOWN_TRIES = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class ItemRuns:
    """``right`` of ``runs`` answers to one sample; those that do not count are in neither."""

    sample_id: str
    sample_key: str
    runs: int
    right: int

    @property
    def flips(self) -> bool:
        return 0 < self.right < self.runs

    @property
    def unrest(self) -> float:
        """0 where all runs agree, 1 where half of them are right."""
        return 1 - abs(2 * self.right / self.runs - 1)


@dataclass(frozen=True, slots=True)
class Tries:
    """Over items: ``any_right`` is pass@k, ``all_right`` pass^k, ``majority`` the vote of k."""

    k: int
    any_right: Estimate
    all_right: Estimate
    majority: Estimate


@dataclass(frozen=True, slots=True)
class Flakiness:
    """Of ``items`` with at least two runs that count. ``stable``: all their runs agree.

    ``tries`` are of the ``whole`` items, which have all ``runs`` runs. ``flipping`` begins with
    what is nearest to a coin's toss.
    """

    arm: str
    items: int
    runs: int
    whole: int
    stable: Estimate
    tries: tuple[Tries, ...]
    flipping: tuple[ItemRuns, ...]


def flakiness(values: ArmValues, clusters: Mapping[str, str] | None = None) -> Flakiness | None:
    """None where no item has two runs that count."""
    items = [item for item in item_runs(values) if item.runs > 1]
    if not items:
        return None
    runs = max(item.runs for item in items)
    whole = [item for item in items if item.runs == runs]
    names = clusters or {}
    return Flakiness(
        arm=values.arm,
        items=len(items),
        runs=runs,
        whole=len(whole),
        stable=_share([float(not item.flips) for item in items], items, names),
        tries=tuple(_tries(k, whole, names) for k in _ks(runs)),
        flipping=tuple(
            sorted(
                (item for item in items if item.flips),
                key=lambda item: (-item.unrest, item.sample_id, item.sample_key),
            )
        ),
    )


def item_runs(values: ArmValues) -> list[ItemRuns]:
    """Every sample with an answer that counts for accuracy, as they were finished."""
    counts: dict[str, list[int]] = {}
    correct = values.columns["correct"]
    for (sample_key, _, _), row in values.rows.items():
        if math.isfinite(correct[row]):
            count = counts.setdefault(sample_key, [0, 0])
            count[0] += 1
            count[1] += int(correct[row])
    return [
        ItemRuns(values.sample_ids[key], key, runs, right) for key, (runs, right) in counts.items()
    ]


def _ks(runs: int) -> list[int]:
    return [*(k for k in _SHOWN_TRIES if k < runs), runs]


def _tries(k: int, items: Sequence[ItemRuns], clusters: Mapping[str, str]) -> Tries:
    def over(formula: Callable[[int, int, int], float]) -> Estimate:
        return _share([formula(item.runs, item.right, k) for item in items], items, clusters)

    return Tries(k, over(pass_at_k), over(pass_hat_k), over(majority_at_k))


def _share(
    values: Sequence[float], items: Sequence[ItemRuns], clusters: Mapping[str, str]
) -> Estimate:
    """Wilson's interval of a share of independent items, else t over items or their clusters."""
    used = [clusters.get(item.sample_key) for item in items]
    if any(name is not None for name in used):
        sums: dict[tuple[str, str], list[float]] = {}
        for value, name, item in zip(values, used, items, strict=True):
            place = ("sample", item.sample_key) if name is None else ("cluster", name)
            sums.setdefault(place, []).append(value)
        groups = list(sums.values())
        return _bounded(clustered_mean([math.fsum(g) for g in groups], [len(g) for g in groups]))
    if set(values) <= {0.0, 1.0}:
        return wilson(round(sum(values)), len(values))
    return _bounded(mean_t(values))


def _bounded(found: Estimate) -> Estimate:
    """Shares lie within 0 and 1. Where all agree, t would claim certainty."""
    if found.low is None or found.high is None or found.low == found.high:
        reason = found.reason or "the items do not differ"
        return Estimate(found.value, None, None, found.n, found.method, reason)
    low, high = max(0.0, found.low), min(1.0, found.high)
    return Estimate(found.value, low, high, found.n, found.method, found.reason)
