"""A gate's whole course, over and over, in worlds whose truth is known.

The course is the one that ``run --gate --early-stop`` takes; only its answers are made up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log, sqrt

import numpy as np

from benchmarks.worlds import Floats, World, runs
from stepeval.analysis.course import Course
from stepeval.analysis.design import Rules
from stepeval.analysis.gate import Change, Tolerance, Verdict, gate
from stepeval.analysis.looks import Decision, Stage
from stepeval.analysis.past import past_of
from stepeval.stats.paired import mean_difference

MARGIN = 0.05
_ONE_SIDED = 0.9  # an interval of 90% says what a one-sided test at 5% says


@dataclass(frozen=True, slots=True)
class Trial:
    """``calls`` before any confirmation, the canary's among them; ``fresh_calls`` to confirm."""

    verdict: Verdict
    caught: bool
    drifted: bool
    covered: bool
    calls: int
    fresh_calls: int
    looks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Shares of ``n`` trials, and means. ``caught``: a drop was seen, before confirmation."""

    n: int
    safe: float
    regressed: float
    caught: float
    drifted: float
    covered: float
    calls: float
    fresh_calls: float
    looks: float

    def noise(self, share: float) -> float:
        """Two standard errors of a share among so many trials."""
        return 2 * sqrt(share * (1 - share) / self.n)


def tally(
    world: World, drop: float, n: int, *, rules: Rules | None = None, repeats: int = 5
) -> Tally:
    """``n`` baselines of ``repeats`` runs an item, and a prompt that is worse by ``drop``."""
    asked = rules or Rules(MARGIN)
    found = [trial(world, drop, asked, repeats, number) for number in range(n)]
    columns = np.array(
        [
            (
                one.verdict is Verdict.SAFE,
                one.verdict is Verdict.REGRESSED,
                one.caught,
                one.drifted,
                one.covered,
                one.calls,
                one.fresh_calls,
                one.looks,
            )
            for one in found
        ],
        dtype=np.float64,
    )
    return Tally(n, *columns.mean(axis=0).tolist())


def trial(world: World, drop: float, rules: Rules, repeats: int, number: int) -> Trial:
    chance = np.random.default_rng((number, round(1000 * drop)))
    old = world.chances(chance)
    new = world.worse(old, drop)
    past = past_of(runs(old, repeats, chance), world.clusters)
    course = Course(past, replace(rules, seed=str(number)))
    calls = {Stage.FIRST: 0, Stage.FRESH: 0}
    while (batch := course.batch) is not None:
        again = rules.epochs if batch.stage is Stage.FRESH else 1
        calls[batch.stage] += rules.epochs * len(batch.new) + again * len(batch.old)
        course.tell(
            runs(new[list(batch.new)], rules.epochs, chance).mean(axis=1),
            runs(old[list(batch.old)], again, chance).mean(axis=1),
        )
    assert course.outcome is not None
    looks = course.outcome.looks
    return Trial(
        verdict=course.outcome.verdict,
        caught=any(look.decision is Decision.CONFIRM for look in looks),
        drifted=course.has_drifted,
        covered=_covers(course, float((new - old).mean())),
        calls=calls[Stage.FIRST],
        fresh_calls=calls[Stage.FRESH],
        looks=len(looks),
    )


def _covers(course: Course, truth: float) -> bool:
    """Whether the first stage's last repeated interval holds the suite's own change."""
    first = [look for look in course.looks if look.stage is Stage.FIRST]
    if not first or first[-1].low is None or first[-1].high is None:
        return True
    return first[-1].low <= truth <= first[-1].high


def fixed(world: World, drop: float, n: int, *, repeats: int = 5) -> Tally:
    """The same question, of all items at once: ``stepeval gate``."""
    verdicts = []
    for number in range(n):
        chance = np.random.default_rng((number, round(1000 * drop), 1))
        old = world.chances(chance)
        before = runs(old, repeats, chance).mean(axis=1)
        after = runs(world.worse(old, drop), 1, chance)[:, 0]
        verdicts.append(gated(after - before, world.clusters))
    safe = verdicts.count(Verdict.SAFE) / n
    regressed = verdicts.count(Verdict.REGRESSED) / n
    return Tally(n, safe, regressed, regressed, 0.0, 1.0, world.items, 0.0, 1.0)


def gated(differences: Floats, clusters: tuple[int, ...] | None = None) -> Verdict:
    found = mean_difference(differences, clusters, confidence=_ONE_SIDED)
    change = Change(Tolerance("score", MARGIN), found.estimate, _ONE_SIDED, len(differences))
    return gate([change]).verdict


def least_calls(world: World, repeats: int = 5, alpha: float = 0.05) -> float:
    """Calls without which no procedure keeps ``alpha`` both ways where nothing changed (Wald 1945).

    Of items asked in even order, whose residual from the best guess by the baseline is normal.
    """
    every = np.concatenate([world.chances(np.random.default_rng(seed)) for seed in range(40)])
    own, noise = every.var(), (every * (1 - every)).mean()
    residual = noise + own * noise / repeats / (own + noise / repeats)
    return float((1 - 2 * alpha) * log((1 - alpha) / alpha) * 2 * residual / MARGIN**2)


def scenes() -> Iterator[tuple[str, World]]:
    for correlation in (0.67, 0.40):
        for has_clusters in (False, True):
            name = f"correlation {correlation:.2f}{', clusters of 5' if has_clusters else ''}"
            yield name, World(correlation=correlation, has_clusters=has_clusters)
