"""The gate that a suite names, as checks: one for each arm."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stepeval.analysis.checks import Check, Ending, Kind
from stepeval.analysis.gate import overall
from stepeval.analysis.gate_words import gate_sentence
from stepeval.analysis.gated import Gated
from stepeval.api.baseline import BaselinesFolder
from stepeval.api.gate import exit_code, judge, judge_again
from stepeval.core.errors import ExitCode, UsageError
from stepeval.core.task import Suite

FOLDER = "baselines"  # beside the suite


def gate_checks(run: Path, suite: Suite, *, inside: bool) -> Iterator[Check]:
    """``inside``: the suite's folder is one that may be read."""
    try:
        found = _judged(run, suite, inside=inside)
    except UsageError as error:
        for arm in suite.arms:
            yield Check(Kind.GATE, arm.name, None, Ending.ERROR, str(error))
        return
    judged = {arm.arm: arm for arm in found.arms}
    for arm in suite.arms:
        gate = judged.get(arm.name)
        if gate is None:
            sentence = f"baseline {found.baseline.name} has no arm {arm.name!r}"
            yield Check(Kind.GATE, arm.name, None, Ending.ERROR, sentence)
            continue
        verdict = found.verdict
        if len(found.arms) > 1 and gate.metrics:
            verdict = overall([metric.verdict for metric in gate.metrics])
        alone = replace(found, arms=(gate,), verdict=verdict)
        yield Check(Kind.GATE, arm.name, None, _ending(alone), gate_sentence(alone))


def _judged(run: Path, suite: Suite, *, inside: bool) -> Gated:
    """A run that was told to gate itself has its verdict."""
    expect, own = suite.expect, judge(run)
    if own is not None:
        return own
    if not inside or suite.source is None:
        raise UsageError("the suite's folder, where its baseline is, lies outside of this one")
    folder = Path(suite.source).parent / FOLDER
    assert expect.baseline is not None
    if expect.baseline not in BaselinesFolder(folder).names():
        raise UsageError(
            f"there is no baseline {expect.baseline!r} in {folder}: make it of good runs with "
            f"stepeval baseline set {expect.baseline} RUN... --baselines {folder}"
        )
    return judge_again(
        run,
        baseline=expect.baseline,
        folder=folder,
        runs=run.parent,
        metrics={"score": expect.margin},
        inconclusive=expect.inconclusive,
    )


def _ending(found: Gated) -> Ending:
    """What is inconclusive fails, unless the suite lets it pass: it is not shown to be safe."""
    code = exit_code(found)
    if code is ExitCode.INCOMPLETE:
        return Ending.ERROR
    return Ending.PASSED if code is ExitCode.OK else Ending.FAILED
