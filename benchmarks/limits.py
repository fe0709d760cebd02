"""How close to the ideal a run comes under limits that it is not told, and how often it is refused.

Nothing is sent: client and server share a clock that only counts (:mod:`benchmarks.virtual`), so
that half an hour of an account takes a third of a second. Both are the code that runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean

from benchmarks.bars import Bar
from benchmarks.virtual import Outcome, Work, adaptive, ideal_seconds
from stepeval.execution.limits import Known
from stepeval.simulator.limits import AccountLimits, Charge, Dip
from stepeval.simulator.quota import Counting

_SEEDS = 12
_MOST_TIME, _MOST_REFUSED = 1.08, 1.0
_CHARGES = (Charge.ADMISSION, Charge.COMPLETION)

_BY_REQUESTS = AccountLimits(60, 400, 1_600_000)
_BY_TOKENS = AccountLimits(60, 1_600, 400_000)
_BY_CONCURRENCY = AccountLimits(20, 1_600, 1_600_000)
_SCENES = {
    "requests a minute": (_BY_REQUESTS, 12_000),
    "tokens a minute": (_BY_TOKENS, 12_000),
    "concurrency": (_BY_CONCURRENCY, 12_000),
    "requests, halved for 10 min": (replace(_BY_REQUESTS, dip=Dip(600, 1_200)), 10_000),
}


@dataclass(frozen=True, slots=True)
class Runs:
    """``times`` by the ideal, and ``refused`` in percent of all that was sent: one a seed."""

    times: tuple[float, ...]
    refused: tuple[float, ...]

    @property
    def time(self) -> float:
        return fmean(self.times)

    @property
    def slowest(self) -> float:
        return max(self.times)

    @property
    def most_refused(self) -> float:
        return max(self.refused)


@dataclass(frozen=True, slots=True)
class Tried:
    """One limit, counted and charged in one way, over several seeds."""

    scene: str
    counting: Counting
    charge: Charge
    hidden: Runs
    known: Runs


def bars(*, quick: bool) -> Iterator[Bar]:
    for tried in trials(seeds=1 if quick else _SEEDS):
        where = f"{tried.scene}; {tried.counting}, at {tried.charge}"
        hidden, known = tried.hidden, tried.known
        times = f"slowest seed: {hidden.slowest:.3f}; told: {known.time:.3f}"
        refused = f"told: {known.most_refused:.2f}%"
        yield Bar(f"time by the ideal, {where}", hidden.time, _MOST_TIME, "x", times)
        yield Bar(f"most refused, {where}", hidden.most_refused, _MOST_REFUSED, "%", refused)


def trials(*, seeds: int) -> Iterator[Tried]:
    for (name, (limits, requests)), counting, charge in product(
        _SCENES.items(), Counting, _CHARGES
    ):
        account = replace(limits, counting=counting, charge=charge)
        works = [Work(requests, seed=seed) for seed in range(seeds)]
        ideals = [ideal_seconds(account, work) for work in works]
        hidden = [adaptive(Known(most=256), account, work) for work in works]
        told = Known(limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute)
        known = [adaptive(told, account, work) for work in works]
        yield Tried(name, counting, charge, _runs(hidden, ideals), _runs(known, ideals))


def _runs(outcomes: list[Outcome], ideals: list[float]) -> Runs:
    return Runs(
        tuple(each.seconds / ideal for each, ideal in zip(outcomes, ideals, strict=True)),
        tuple(100 * each.refused / each.sent for each in outcomes),
    )


def markdown(tried: list[Tried]) -> str:
    """The table of docs/limits.md."""
    head = "| bound by | counted | charged at | hidden: time | refused | told: time | refused |"
    rows = [
        f"| {one.scene} | {one.counting} | {one.charge} | "
        f"{' | '.join(map(_cells, (one.hidden, one.known)))} |"
        for one in tried
    ]
    return "\n".join((head, "|---" * 7 + "|", *rows))


def _cells(runs: Runs) -> str:
    return f"{runs.time:.3f} ({runs.slowest:.3f}) | {runs.most_refused:.2f}%"


if __name__ == "__main__":
    print(markdown(list(trials(seeds=_SEEDS))))
