"""A load benchmark's tables, number by number."""

from collections.abc import Callable, Sequence

from stepeval.analysis.load import load_label
from stepeval.analysis.load_values import (
    ArmLoad,
    Between,
    Certificate,
    Figures,
    LoadSummary,
    Spread,
)
from stepeval.core.load import LoadPlan, Shape
from stepeval.report import wording
from stepeval.report.evidence import Estimate, Evidence
from stepeval.report.load_marks import marked, meaning, rests_on
from stepeval.report.tables import UNKNOWN, share_cell, time_cell
from stepeval.report.view import Column, Table, TableCell

_ARM = Column("Arm", numeric=False)
_OF_TOKENS = ("TPOT p50", "tokens per s")  # figures of the repeats


def cost_of_load(summary: LoadSummary, evidence: Evidence, plan: LoadPlan) -> Table:
    """The main table: an arm under a load a row."""
    is_open = plan.shape is not Shape.CLOSED
    has_goodput = any(cell.pooled.good is not None for cell in summary.cells)
    columns = (
        *heads(summary),
        Column("n", help="requests that were due in the steady part, the failed ones too"),
        Column("Failed"),
        *((Column("Goodput", numeric=False, help=_goodput_help(summary)),) if has_goodput else ()),
        *(Column(f"TTFT {p}", help=_TTFT if p == "p50" else "") for p in ("p50", "p95", "p99")),
        *(Column(f"E2E {p}", help=_E2E if p == "p50" else "") for p in ("p50", "p95")),
        *((Column("Response p95", help=_RESPONSE),) if is_open else ()),
        *((Column("Due/s", help="requests due per second, of this arm"),) if is_open else ()),
        Column("Answered/s", help="answers that ended in the steady part, per second of it"),
        Column("Tokens/s", help=_with_mark(_TOKENS, summary)),
        Column("In flight", help="mean over the steady part, and the most at once"),
    )
    rows = []
    for cell in summary.cells:
        found = cell.pooled
        ttft, e2e = found.metrics["ttft"], found.metrics["e2e"]
        rows.append(
            (
                *place(cell, summary, evidence, plan),
                TableCell(wording.count(found.attempted)),
                TableCell(wording.count(found.failed)),
                *((share_cell(found.good),) if has_goodput and found.good is not None else ()),
                *(time_cell(one) for one in (ttft.p50, ttft.p95, ttft.p99, e2e.p50, e2e.p95)),
                *((time_cell(found.metrics["response"].p95),) if is_open else ()),
                *((rate_cell(found.due_rate),) if is_open else ()),
                rate_cell(found.done_rate),
                _tokens_cell(found),
                TableCell(wording.rate(found.concurrency), f"at most {found.peak:,}"),
            )
        )
    return Table("What each load cost", columns, tuple(rows))


_TTFT = "from the request's first byte to the first token, reasoning included"
_E2E = "from the request's first byte to the last token, or the finish"
_TOKENS = "output tokens that arrived in the steady part, per second of it"
_RESPONSE = "from when the request was due to its finish: what waits is not left out"
_STAGES = (
    ("ttfr", "First reasoning", ""),
    ("ttfa", "First answer", ""),
    ("thinking", "Thinking", "from the first reasoning to the first of the answer"),
    ("tpot", "Per token", "time between output tokens after the first chunk with tokens"),
    ("reasoning_tpot", "Per reasoning token", ""),
    ("answer_tpot", "Per answer token", ""),
    ("stall", "Stall", "the longest gap between two chunks of a request"),
)


def stages_table(summary: LoadSummary, evidence: Evidence, plan: LoadPlan) -> Table | None:
    """Where the time of a request goes; only the stages that some request has."""
    shown = [stage for stage in _STAGES if any(c.pooled.metrics[stage[0]].n for c in summary.cells)]
    if not shown:
        return None
    columns = [*heads(summary)]
    for name, label, told in shown:
        help_ = _with_mark(told, summary) if rests_on(name) else told
        columns += [Column(f"{label} p50", help=help_), Column("p95")]
    rows = tuple(
        (
            *place(cell, summary, evidence, plan),
            *(
                stage_cell(name, estimate, cell.pooled)
                for name, _, _ in shown
                for estimate in (cell.pooled.metrics[name].p50, cell.pooled.metrics[name].p95)
            ),
        )
        for cell in summary.cells
    )
    return Table("Where the time goes", tuple(columns), rows)


def stage_cell(name: str, estimate: Estimate, found: Figures) -> TableCell:
    cell = time_cell(estimate)
    return marked(cell, found) if rests_on(name) else cell


def cache_table(summary: LoadSummary, evidence: Evidence, plan: LoadPlan) -> Table | None:
    """None where the API said of no request that some of it came from its cache."""
    if not any(cell.pooled.cache.warm.n for cell in summary.cells):
        return None
    columns = (
        *heads(summary),
        Column("From cache", help="share of the input tokens, where the API says it"),
        Column("Cold n", help="requests of which nothing was read from the cache"),
        Column("Cold TTFT p50"),
        Column("p95"),
        Column("Warm n", help="requests of which some was"),
        Column("Warm TTFT p50"),
        Column("p95"),
        Column("Not said"),
    )
    rows = []
    for cell in summary.cells:
        found = cell.pooled.cache
        share = UNKNOWN if found.share is None else TableCell(wording.percent(found.share))
        cells = [share]
        for spread in (found.cold, found.warm):
            cells += [
                TableCell(wording.count(spread.n)),
                time_cell(spread.p50),
                time_cell(spread.p95),
            ]
        cells.append(TableCell(wording.count(found.unknown.n)))
        rows.append((*place(cell, summary, evidence, plan), *cells))
    return Table("Cold and warm", columns, tuple(rows))


def between_table(summary: LoadSummary, evidence: Evidence, plan: LoadPlan) -> Table | None:
    """None without repeats."""
    names = list(dict.fromkeys(name for cell in summary.cells for name in cell.between))
    if not names:
        return None
    told = _with_mark(
        "mean of the repeats with its 95% t interval, and their standard deviation", summary
    )
    columns = (*heads(summary), Column("Runs", help=told), *(Column(name) for name in names))
    rows = tuple(
        (
            *place(cell, summary, evidence, plan),
            TableCell(f"{len(cell.runs):,}"),
            *(_between_cell(name, cell.between.get(name), cell.pooled) for name in names),
        )
        for cell in summary.cells
    )
    return Table("Between repeats", columns, rows)


def certificate_table(summary: LoadSummary, plan: LoadPlan) -> Table:
    columns = (
        Column("Load", numeric=False),
        Column("Client", numeric=False, help="whether it kept up; the rule is in docs/load.md"),
        Column("Loop lag p50", help="how late the event loop woke"),
        Column("p99"),
        Column("Longest"),
        Column("Schedule lag", help="from due to sent, the opening of a connection included"),
        Column("Take-up lag", help="from due to when the client began with the request"),
        Column("Sent/s", help="of all arms, and what was due"),
        Column("Processor", help="of the busiest worker"),
        Column("Coalesced", help="chunks that shared a read with another one"),
        Column("Stamps", numeric=False, help="who read the clock: the kernel, or we at the read"),
        Column("Transport", numeric=False),
        Column("Of ceiling", help="of what this machine's client can do at most"),
        Column("n holds", numeric=False, help="the highest percentile that every arm's n can hold"),
    )
    rows = tuple(_certificate_row(found, plan) for found in summary.certificates)
    return Table("Certificate", columns, rows)


def _certificate_row(found: Certificate, plan: LoadPlan) -> tuple[TableCell, ...]:
    stamps = ", ".join(f"{n:,} {kind}" for kind, n in found.stamps.items())
    loop = found.loop_lag
    longest = UNKNOWN if loop.longest is None else TableCell(wording.milliseconds(loop.longest))
    ceiling = TableCell("not measured", faint=True)
    if found.of_ceiling is not None:
        ceiling = TableCell(wording.percent(found.of_ceiling))
    return (
        load_cell(found.load, plan),
        _kept_up(found),
        time_cell(loop.p50),
        time_cell(loop.p99),
        longest,
        _tail_cell(found.lag),
        _tail_cell(found.start_lag),
        _sent_cell(found),
        _share(found.cpu_share),
        _share(found.coalesced_share),
        TableCell(stamps or "none", faint=not stamps),
        TableCell(", ".join(found.transports) or "unknown", faint=not found.transports),
        ceiling,
        TableCell(found.holds or "none", faint=found.holds is None),
    )


def gaps_table(cells: Sequence[tuple[TableCell, ArmLoad]], title: str) -> Table:
    """``cells``: the row's header and its arm under a load."""
    columns = (
        _ARM,
        Column("Gaps"),
        Column("Median"),
        Column("p95"),
        Column("p99"),
        Column("Longest"),
        Column("Tokens per chunk", help=meaning(cell.pooled for _, cell in cells)),
        Column("Shared a read", help="gaps with an end that shared its read; what was read "
               "together arrived at an unknown time before"),
        Column("Sharp", help="gaps with both ends known to a millisecond"),
    )  # fmt: skip
    rows = []
    for head, cell in cells:
        found = cell.pooled.gaps
        times = (found.p50, found.p95, found.p99, found.longest)
        each = found.tokens_per_chunk
        rows.append(
            (
                head,
                TableCell(wording.count(found.n)),
                *(_time(value, found.n) for value in times),
                UNKNOWN if each is None else marked(TableCell(f"{each:.2f}"), cell.pooled),
                _share(found.shared),
                _share(found.sharp),
            )
        )
    return Table(title, columns, tuple(rows))


def heads(summary: LoadSummary) -> tuple[Column, ...]:
    """Of the columns that :func:`place` fills. A single arm needs no column of its own."""
    load = Column("Load", numeric=len(summary.arms) > 1)
    return (_ARM, load) if len(summary.arms) > 1 else (load,)


def place(
    cell: ArmLoad, summary: LoadSummary, evidence: Evidence, plan: LoadPlan
) -> tuple[TableCell, ...]:
    load = load_cell(cell.load, plan)
    if len(summary.arms) == 1:
        return (load,)
    return TableCell(cell.arm, colour=evidence.colour(cell.arm)), load


def load_cell(load: float, plan: LoadPlan) -> TableCell:
    """On one line."""
    return TableCell(load_label(load, plan.shape).replace(" ", "\N{NO-BREAK SPACE}"))


def _with_mark(told: str, summary: LoadSummary) -> str:
    mark = meaning(cell.pooled for cell in summary.cells)
    return "; ".join(filter(None, (told, mark)))


def _goodput_help(summary: LoadSummary) -> str:
    right = " and judged right" if summary.judged else ""
    return f"within every objective{right}, of n, with its 95% interval; a failed request is not"


def _tokens_cell(found: Figures) -> TableCell:
    if found.tokens_per_s is None:
        return TableCell("not counted", faint=True)
    note = ""
    if found.reasoning_per_s:
        note = f"{wording.count(found.reasoning_per_s)} of reasoning"
    return marked(TableCell(wording.count(found.tokens_per_s), note), found)


def _between_cell(name: str, found: Between | None, pooled: Figures) -> TableCell:
    if found is None or found.mean.value is None:
        return UNKNOWN
    shown = _form(name)
    low, high = found.mean.low, found.mean.high
    ends = "" if low is None or high is None else wording.span(shown(max(0.0, low)), shown(high))
    deviation = "" if found.spread is None else f"SD {shown(found.spread)}"
    cell = TableCell(shown(found.mean.value), "; ".join(filter(None, (ends, deviation))))
    return marked(cell, pooled) if name in _OF_TOKENS else cell


def _form(name: str) -> Callable[[float], str]:
    if name == "goodput":
        return wording.percent
    return wording.rate if "per s" in name else wording.milliseconds


def _time(value: float | None, n: int) -> TableCell:
    if value is None:
        return TableCell("n too small" if n else "not measured", faint=True)
    return TableCell(wording.milliseconds(value))


def _tail_cell(found: Spread) -> TableCell:
    """The highest percentile that n can hold, and which it is."""
    for name in ("p99", "p95", "p90", "p50"):
        value = getattr(found, name).value
        if value is not None:
            return TableCell(wording.milliseconds(value), name)
    return TableCell("not measured", faint=True)


def _share(share: float | None) -> TableCell:
    return UNKNOWN if share is None else TableCell(wording.percent(share))


def _kept_up(found: Certificate) -> TableCell:
    if found.limits:
        return TableCell("client-limited", colour="failed")
    if found.too_short:
        return TableCell("window too short to tell", faint=True)
    return TableCell("kept up", colour="correct")


def rate_cell(value: float | None) -> TableCell:
    return UNKNOWN if value is None else TableCell(wording.rate(value))


def _sent_cell(found: Certificate) -> TableCell:
    if found.sent_rate is None or found.due_rate is None:
        return UNKNOWN
    return TableCell(wording.rate(found.sent_rate), f"due {wording.rate(found.due_rate)}")
