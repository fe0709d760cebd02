"""What a suite says its runs may use at most."""

from collections.abc import Callable
from typing import Any, TypeVar

from stepeval.core.amounts import parse_duration, parse_money, parse_threshold
from stepeval.core.task import Budget
from stepeval.suite.findings import Findings
from stepeval.suite.schema import BudgetEntry
from stepeval.suite.yaml_tree import Node, place_of

T = TypeVar("T")


def read_budget(entry: BudgetEntry, root: Node, findings: Findings) -> Budget:
    """Amounts that cannot be read become findings, and no bound."""

    def read(key: str, value: Any, parse: Callable[[str], T]) -> T | None:
        if value is None:
            return None
        try:
            return parse(str(value))
        except ValueError as error:
            findings.error(f"{key} {error}", place_of(root, ("budget", key)))
            return None

    return Budget(
        cost=read("cost", entry.cost, parse_money),
        tokens=entry.tokens,
        time_s=read("time", entry.time, parse_duration),
        requests=entry.requests,
        confirm_above=read("confirm_above", entry.confirm_above, parse_threshold),
        give_up_after_s=read("give_up_after", entry.give_up_after, parse_duration),
    )
