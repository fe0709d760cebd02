"""What trying again does to what is measured."""

from collections.abc import Iterable, Iterator, Mapping

from stepeval.analysis.leaderboard import ArmSummary

_WORTH_A_WORD = 0.01  # of an arm's requests


def reroll_warnings(arms: Iterable[ArmSummary]) -> Iterator[str]:
    """A sentence for each arm of which more than 1% was drawn again after a failure that the
    answer itself may have caused.

    A second draw replaces the first, so long or hard answers, which fail more often, are missing
    from what was measured: latency looks better, and accuracy may be off either way.
    """
    for arm in arms:
        if arm.reroll_share is not None and arm.reroll_share > _WORTH_A_WORD:
            yield (
                f"{arm.arm}: {100 * arm.reroll_share:.1f}% of requests were drawn again "
                f"({kinds_in_words(arm.retried)}); where long or hard answers fail more often, "
                "the figures are shifted toward the others"
            )


def kinds_in_words(failures: Mapping[str, int]) -> str:
    """``12 server, 3 read timeout``, the commonest first."""
    ordered = sorted(failures.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in ordered)
