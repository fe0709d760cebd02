"""A baseline: what later runs are gated against, and what it takes to ask its prompt again."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from stepeval.core.chat import JsonObject
from stepeval.core.errors import UnknownName
from stepeval.core.identity import content_id
from stepeval.core.record import Mode
from stepeval.core.task import Price, Prompt, ScoringRule


@dataclass(frozen=True, slots=True)
class ItemValues:
    """What an arm made of one sample, a value for each time it was asked, in one order.

    ``key`` is :attr:`stepeval.core.task.Sample.key`. A score counts as in a mean of scores, times
    are in milliseconds of the final attempt, costs in the arm's currency at the time; None:
    there is none, as where the request failed.
    """

    key: str
    id: str
    cluster: str | None
    scores: tuple[float | None, ...]
    e2e_ms: tuple[float | None, ...]
    ttft_ms: tuple[float | None, ...]
    costs: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class BaselineArm:
    """``server`` is scheme, host and port, to be compared with: requests go to the gated suite's
    own provider of the name ``provider``, never to an address that a file names.
    """

    name: str
    provider: str
    server: str
    model: str
    prompt: Prompt
    params: JsonObject = field(default_factory=dict)
    price: Price | None = None
    items: tuple[ItemValues, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """``scoring`` is a hash of the rules. ``made_at`` is when the newest of its ``runs`` began, in
    seconds since 1970. ``untimed`` says why its latencies decide nothing; None: they do.
    """

    name: str
    suite: str
    suite_hash: str
    scoring: str
    mode: Mode
    made_at: float
    runs: tuple[str, ...]
    untimed: str | None
    arms: tuple[BaselineArm, ...]

    def arm(self, name: str) -> BaselineArm:
        """Raises UnknownName."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise UnknownName(f"arm of baseline {self.name}", name, (arm.name for arm in self.arms))


def rules_id(rules: Iterable[ScoringRule]) -> str:
    """Equal for rules that judge alike."""
    return content_id([asdict(rule) for rule in rules])
