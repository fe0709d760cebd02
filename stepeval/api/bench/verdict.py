"""Whether a load was within the objectives, by the analysis that the report uses."""

from stepeval.analysis.load_curve import KEPT
from stepeval.analysis.load_requests import measure
from stepeval.core.ports import RecordReader

__all__ = ["KEPT", "share_within"]


def share_within(reader: RecordReader, number: int) -> float | None:
    """Of the measured requests of the phases of this number, those within every objective: the
    share of the arm that fares worst. None where an arm has none.
    """
    asked: dict[str, int] = {}
    kept: dict[str, int] = {}
    for group in measure(reader).groups:
        if group.phase.number != number:
            continue
        inside = [place for place, due in enumerate(group.due_ns) if group.in_window(due)]
        asked[group.arm] = asked.get(group.arm, 0) + len(inside)
        kept[group.arm] = kept.get(group.arm, 0) + sum(group.in_time[place] for place in inside)
    if not asked or not all(asked.values()):
        return None
    return min(kept[arm] / asked[arm] for arm in asked)
