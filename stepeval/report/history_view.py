"""What a history's page shows, computed, rounded and worded; see :mod:`stepeval.report.view`."""

from dataclasses import dataclass

from stepeval.report.view import Table


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """``mode`` joins those of all runs. A table for each arm and kind of answers."""

    title: str
    mode: str
    suite: str
    sentence: str
    caveats: tuple[str, ...]
    tables: tuple[Table, ...]
