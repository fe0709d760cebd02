"""One side of a comparison: an arm's numbers, and what of its run bears on them."""

from collections.abc import Collection
from dataclasses import dataclass

from stepeval.analysis.pairing import ArmValues, arm_values
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.steadiness import latency_fitness
from stepeval.core.ports import RecordReader
from stepeval.core.pricing import price_for
from stepeval.core.record import RunInfo
from stepeval.core.task import Arm, Price, Prompt, Suite


@dataclass(frozen=True, slots=True)
class ComparedArm:
    """``name`` is what the comparison calls it, ``run`` what it calls its run; within one run the
    arms differ, and it is the arm's name. ``unfit``: why its latencies decide nothing.
    """

    name: str
    run: str
    arm: Arm
    info: RunInfo
    suite: Suite
    values: ArmValues
    price: Price | None
    unfit: str | None = None

    @property
    def prompt(self) -> Prompt:
        return self.suite.prompt(self.arm.prompt)

    @property
    def base_url(self) -> str:
        return self.suite.provider(self.arm.provider).base_url


def compared_arms(reader: RecordReader, names: Collection[str]) -> dict[str, ComparedArm]:
    """The named arms of one run, which is read once for all of them."""
    info, suite = reader.info(), reader.suite()
    values = arm_values(sample_rows(reader), names)
    unfit = latency_fitness(reader.limit_changes(), info)
    return {
        arm.name: ComparedArm(
            arm.name,
            arm.name,
            arm,
            info,
            suite,
            values[arm.name],
            price_for(arm, suite, info.asked_as),
            unfit,
        )
        for arm in suite.arms
        if arm.name in values
    }
