"""What of a stored run is still to be asked, as a preview reckons it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stepeval.core.task import Cell, Suite


def rest_of(suite: Suite, todo: Iterable[Cell], *, asides: bool) -> tuple[Suite, Mapping[str, int]]:
    """The suite of the arms and samples that are in ``todo``, and how many requests each arm has.

    ``asides``: the run may ask these too. How many of them it asked counts for nothing: that is
    decided by answers, which may be a stranger's as well.
    """
    requests, samples = Counter[str](), set[str]()
    for cell in todo:
        requests[cell.arm.name] += 1
        samples.add(cell.sample.key)
    if asides and suite.asides:
        each = len(suite.samples) * suite.epochs
        requests.update({arm.name: each for arm in suite.asides})
        samples.update(sample.key for sample in suite.samples)
    arms = tuple(arm for arm in suite.every_arm if requests[arm.name])
    left = tuple(sample for sample in suite.samples if sample.key in samples)
    return replace(suite, arms=arms, asides=(), samples=left), requests
