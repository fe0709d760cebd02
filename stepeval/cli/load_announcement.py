"""What a benchmark is about to send, in words."""

from typing import TYPE_CHECKING

import click

from stepeval.cli.terminal import counted, plain
from stepeval.core.load import Shape

if TYPE_CHECKING:
    from stepeval.api.bench.session import BenchStart


def announce(start: "BenchStart", *, retries: int) -> None:
    """What is about to be sent, and where to: it may cost money."""
    for warning in start.warnings:
        click.echo(plain(f"warning: {warning}"), err=True)
    suite, plan = start.suite, start.pace.plan
    hosts = ", ".join(dict.fromkeys(provider.base_url for provider in suite.providers))
    head = (
        f"{start.mode}  {suite.name}: {counted(len(suite.arms), 'arm')}, {_load_words(start)}, "
        f"warm-up {plan.warmup}, {_amount(start)} -> {start.path}"
    )
    click.echo(plain(head), err=True)
    for hint in start.hints:
        click.echo(f"hint: {hint}", err=True)
    if start.mode == "LIVE":
        again = f", each up to {retries + 1} times" if retries else ""
        click.echo(plain(f"sends to {hosts}{again}; Ctrl-C ends it"), err=True)


def _load_words(start: "BenchStart") -> str:
    pace, plan = start.pace, start.pace.plan
    loads = ", ".join(f"{load:g}" for load in plan.loads)
    if pace.search:
        return f"{plan.shape} arrivals, searched from {pace.search[0]:g} to {pace.search[1]:g}/s"
    if plan.shape is Shape.CLOSED:
        return f"{loads} in flight"
    if plan.shape is Shape.RAMP:
        return f"a ramp from {pace.start:g} to {loads}/s"
    if plan.shape is Shape.REPLAY:
        span_s = (pace.trace[-1] - pace.trace[0]) / 1e9
        return f"{len(pace.trace):,} recorded arrivals over {span_s:,.4g} s at {loads} x speed"
    return f"{plan.shape} arrivals, {loads}/s"


def _amount(start: "BenchStart") -> str:
    """How much will be sent, as far as it is known beforehand."""
    pace, plan = start.pace, start.pace.plan
    times = f" x {plan.repeats} repeats" if plan.repeats > 1 else ""
    sent = [pace.requests(load) for load in plan.loads]
    if not sent or None in sent:
        bound = f"{plan.requests} requests" if plan.duration_s is None else f"{plan.duration_s:g} s"
        return f"{bound} a load{times}"
    return f"about {sum(n for n in sent if n is not None) * plan.repeats:,} requests in all"
