"""A suite's history becomes everything its page shows."""

from collections.abc import Iterator

from stepeval.analysis.history import History, Line, Point
from stepeval.core.record import Mode
from stepeval.report import wording
from stepeval.report.history_view import HistoryPage
from stepeval.report.tables import share_cell, time_cell
from stepeval.report.text import shorten
from stepeval.report.view import Column, Table, TableCell

_COMMIT = 10  # characters of its name
_UNKNOWN = TableCell("unknown", faint=True)
_COLUMNS = (
    Column("Run", numeric=False),
    Column("Commit", numeric=False, help="of the suite's checkout when it ran"),
    Column("n", help="answers"),
    Column("Right", numeric=False, help="of those that count, with its 95% interval"),
    Column("Score", numeric=False, help="their mean, with its 95% interval"),
    Column("Whole answer p50", help="median, with its 95% interval; as recorded in a replay"),
    Column("Cost", help="what the answers cost when they were sent; below, of a correct one"),
    Column("Changed", numeric=False, help="of arm and suite, since the run before"),
    Column("Shown", numeric=False, help="beyond chance on the same items, against the run before"),
)


def history_page(found: History) -> HistoryPage:
    infos = {point.info.id: point.info for line in found.lines for point in line.points}
    modes = [mode for mode in Mode if any(info.mode is mode for info in infos.values())]
    mode = " + ".join(modes)
    called = "" if modes == [Mode.LIVE] else f"{mode}: "
    return HistoryPage(
        title=f"{called}{found.suite} · history · stepeval",
        mode=mode,
        suite=found.suite,
        sentence=_sentence(found, len(infos)),
        caveats=tuple(_caveats(found)),
        tables=tuple(map(_table, found.lines)),
    )


def _sentence(found: History, runs: int) -> str:
    shown = sum(bool(point.shown) for line in found.lines for point in line.points)
    said = f"{wording.plural(runs, 'run')} of {found.suite}"
    if not shown:
        return f"{said}: no difference between two runs in a row is shown."
    return f"{said}: {wording.plural(shown, 'difference')} between two runs in a row shown."


def _caveats(found: History) -> Iterator[str]:
    if found.left_out:
        yield f"{wording.plural(found.left_out, 'older run')} left out."
    yield (
        "Each run is compared with the one before, item by item, and p values are adjusted over "
        "all of them. A slow drift can stay below every step: compare the first run with the last."
    )
    if len({line.kind for line in found.lines}) > 1:
        yield "Live, simulated and replayed answers are never compared with each other."


def _table(line: Line) -> Table:
    rows = tuple(_row(point) for point in line.points)
    return Table(f"{shorten(line.arm, 80)}, {line.kind}", _COLUMNS, rows)


def _row(point: Point) -> tuple[TableCell, ...]:
    info, arm = point.info, point.arm
    missing = f"{point.missing:,} missing" if point.missing else ""
    return (
        TableCell(wording.moment(info.created_at), info.id),
        _commit(point),
        TableCell(f"{arm.n:,}", missing),
        share_cell(arm.accuracy),
        share_cell(arm.score),
        time_cell(arm.e2e_ms.p50),
        _cost(point),
        _told(point.changed),
        _told(point.shown),
    )


def _commit(point: Point) -> TableCell:
    info = point.info
    if info.git_commit is None:
        return TableCell("none", faint=True)
    return TableCell(
        info.git_commit[:_COMMIT], "changed since" if info.git_dirty else "", code=True
    )


def _cost(point: Point) -> TableCell:
    arm = point.arm
    if arm.cost_original is None:
        return _UNKNOWN
    each = arm.cost_per_correct
    if each.value is None:
        return TableCell(wording.money(arm.cost_original, arm.currency))
    ends = ""
    if each.low is not None and each.high is not None:
        low, high = (wording.money(end, arm.currency) for end in (each.low, each.high))
        ends = f" ({low} to {high})"
    note = f"{wording.money(each.value, arm.currency)}{ends}"
    return TableCell(wording.money(arm.cost_original, arm.currency), note)


def _told(words: tuple[str, ...]) -> TableCell:
    return TableCell(shorten("; ".join(words), 300)) if words else TableCell("-", faint=True)
