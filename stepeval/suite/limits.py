"""The limits of a run: what the command line says, else the account's tier, else the suite."""

from collections.abc import Mapping

from stepeval.core.errors import UnknownName
from stepeval.core.models import account_tiers
from stepeval.core.task import Limits
from stepeval.suite.schema import LimitsEntry


def read_limits(
    entry: LimitsEntry, *, tier: str | None, concurrency: int | None, max_cells: int | None
) -> Limits:
    """Raises UnknownName: there is no such tier."""
    account = {} if tier is None else _tier(tier)
    known = concurrency or account.get("concurrency") or entry.concurrency
    usual = Limits()
    return Limits(
        known or usual.concurrency,
        entry.max_attempts,
        entry.max_cells if max_cells is None else max_cells,
        account.get("requests_per_minute", entry.requests_per_minute),
        account.get("tokens_per_minute", entry.tokens_per_minute),
        learned=known is None,
    )


def _tier(name: str) -> Mapping[str, int]:
    tiers = account_tiers()
    if name not in tiers:
        raise UnknownName("account tier", name, tiers)
    return tiers[name]
