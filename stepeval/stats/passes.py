"""What k tries at an item would give, from n tries of which c were right. Unbiased."""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb


def pass_at_k(n: int, c: int, k: int) -> float:
    """At least one of k right: ``1 - C(n - c, k) / C(n, k)`` (Chen et al. 2021, eq. 1)."""
    _check(n, c, k)
    return 1.0 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """All of k right: ``C(c, k) / C(n, k)`` (Yao et al. 2024, tau-bench)."""
    _check(n, c, k)
    return comb(c, k) / comb(n, k)


def majority_at_k(n: int, c: int, k: int) -> float:
    """More than half of k right, half of a tie: the hypergeometric chance over all choices of k."""
    _check(n, c, k)
    ways = sum(
        comb(c, right) * comb(n - c, k - right) * (2 if 2 * right > k else 1)
        for right in range((k + 1) // 2, min(c, k) + 1)
    )
    return ways / (2 * comb(n, k))


def majority_share(answers: Sequence[Hashable]) -> float | None:
    """The share of the most frequent answer: 1 where all runs agree. None without answers."""
    if not answers:
        return None
    return Counter(answers).most_common(1)[0][1] / len(answers)


def _check(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n:
        raise ValueError(f"{c} of {n} tries cannot be right")
    if not 1 <= k <= n:
        raise ValueError(f"{n} tries tell nothing of {k}")
