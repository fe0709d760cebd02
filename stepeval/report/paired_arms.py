"""A run's own arms, compared item by item for its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from stepeval.analysis.compare import Comparison, compare
from stepeval.analysis.compared import flaky_sides
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.flakiness import Flakiness
from stepeval.analysis.pairing import arm_values
from stepeval.analysis.tiers import Ladder, ladder, ladders
from stepeval.report.evidence import Evidence


@dataclass(frozen=True, slots=True)
class PairedArms:
    """``sides`` by arm, those with a result. ``pairs`` counts the pairs of arms there are."""

    sides: Mapping[str, ComparedArm]
    ladders: tuple[Ladder, ...]
    flaky: tuple[Flakiness, ...]

    @property
    def pairs(self) -> int:
        return len(self.sides) * (len(self.sides) - 1) // 2

    def compare(self, a: str, b: str) -> Comparison:
        """Of this pair alone: p values are not adjusted for the other pairs."""
        (found,) = compare([(self.sides[a], self.sides[b])], tails=False)
        return found


def paired_arms(evidence: Evidence) -> PairedArms:
    """Nothing of a load benchmark: it sends the same requests again and again."""
    if evidence.info.load is not None:
        return PairedArms({}, (), ())
    values = arm_values(evidence.rows, [arm.name for arm in evidence.suite.arms])
    sides = {
        arm.name: ComparedArm(
            arm.name,
            arm.name,
            arm,
            evidence.info,
            evidence.suite,
            values[arm.name],
            evidence.prices[arm.name],
            evidence.unfit,
        )
        for arm in evidence.suite.arms
        if values[arm.name].rows
    }
    groups = ladders([side.arm for side in sides.values()]) if evidence.suite.scoring else ()
    return PairedArms(
        sides,
        tuple(
            ladder(
                compare([(sides[a.name], sides[b.name]) for a, b in pairwise(group)], tails=False)
            )
            for group in groups
        ),
        tuple(flaky_sides(sides.values())),
    )
