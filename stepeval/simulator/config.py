"""What a simulator is told before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stepeval.core.errors import UnknownName, UsageError
from stepeval.simulator.faults import FAULTS
from stepeval.simulator.limits import AccountLimits
from stepeval.simulator.speed import Speed


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """``fault_rates`` are shares of all requests, by name from the menu of faults.

    ``truth_log``: the file that says what really happened (:mod:`stepeval.simulator.truth`).
    ``require_key``: a request without a bearer key gets 401; any key will do. ``models`` are
    served besides StepFun's. ``allow_remote``: other addresses than loopback may be bound.
    ``slow_headers_s`` is what slow-headers waits; ``flood_bytes`` bounds the faults that send
    too much.

    Raises:
        UnknownName: A rate for a fault that is not on the menu.
        UsageError: Rates that are negative, or above 1 together.
    """

    seed: int = 0
    speed: Speed = field(default_factory=Speed)
    limits: AccountLimits | None = None
    fault_rates: Mapping[str, float] = field(default_factory=dict)
    truth_log: Path | None = None
    require_key: bool = False
    models: tuple[str, ...] = ()
    allow_remote: bool = False
    slow_headers_s: float = 30.0
    flood_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        for name, rate in self.fault_rates.items():
            if name not in FAULTS:
                raise UnknownName("fault", name, FAULTS)
            if not rate >= 0:
                raise UsageError(f"the rate of fault {name} must be 0 or more, not {rate}")
        if sum(self.fault_rates.values()) > 1:
            raise UsageError("the fault rates must not be above 1 together")
