"""The limits that a run was held to, and how they changed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitChange:
    """From ``at`` (seconds since 1970) on, ``level`` of a provider's limit was in force.

    ``kind``: "concurrency", "requests_per_minute" or "tokens_per_minute". ``used`` is what was in
    use then, by the same measure. ``why``: "known" at the start; "kept" from an earlier session of
    the run at the start of a later one; "refused" where a refusal taught
    it; "grown" where it was used to the full without one; "told" by the server.
    """

    at: float
    provider: str
    kind: str
    level: float
    used: float
    why: str
