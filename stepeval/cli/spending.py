"""What a run may spend, as options, and the question before it spends much."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepeval.cli.terminal import plain
from stepeval.core.amounts import Money, parse_duration, parse_money, parse_threshold

if TYPE_CHECKING:
    from stepeval.api.guards import Guard

T = TypeVar("T")

_READERS: dict[str, Callable[[str], Any]] = {
    "max_cost": parse_money,
    "max_time": parse_duration,
    "give_up_after": parse_duration,
    "confirm_above": parse_threshold,
}
_GUARD_OPTIONS = (
    click.option("--max-cost", metavar="AMOUNT", help="Spend no more than this: 5USD."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Use no more tokens."),
    click.option("--max-time", metavar="TIME", help="Send nothing after this time: 30m, 2h."),
    click.option("--max-requests", type=click.IntRange(min=1), help="Send no more requests."),
    click.option(
        "--give-up-after",
        metavar="TIME",
        help="Stop when the service has been down for so long.  [default: 10m]",
    ),
)
_CONFIRM_OPTIONS = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask, whatever it may cost."),
    click.option(
        "--confirm-above",
        metavar="AMOUNT",
        envvar="STEPEVAL_CONFIRM_ABOVE",
        show_envvar=True,
        help="Ask before what may cost more; 0USD: always.  [default: 1USD]",
    ),
)


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that bound a run; the command gets ``guard(tell, watch) -> Guard``."""

    @wraps(command)
    def with_guard(*args: Any, **values: Any) -> Any:
        named = ("max_cost", "max_tokens", "max_time", "max_requests", "give_up_after")
        chosen = {name: _read(name, values.pop(name)) for name in named}
        asking = _Asking(None, None)
        if "yes" in values:
            above = _read("confirm_above", values.pop("confirm_above"))
            # Who names the most it may cost has answered the question.
            agreed = values.pop("yes") or chosen["max_cost"] is not None
            asking = _Asking(None if agreed else _ask, above)

        def guard(
            tell: Callable[[str | None], None], watch: Callable[[Callable[[], float]], None]
        ) -> "Guard":
            from stepeval.api.guards import Guard
            from stepeval.core.task import Budget

            budget = Budget(
                cost=chosen["max_cost"],
                tokens=chosen["max_tokens"],
                time_s=chosen["max_time"],
                requests=chosen["max_requests"],
                give_up_after_s=chosen["give_up_after"],
            )
            return Guard(budget, tell, asking.approve, asking.above, watch)

        return command(*args, guard=guard, **values)

    return _with_options(with_guard, _GUARD_OPTIONS)


def confirmed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options about asking first, to a command that is :func:`guarded`."""
    return _with_options(command, _CONFIRM_OPTIONS)


@dataclass(frozen=True, slots=True)
class _Asking:
    approve: Callable[[str], None] | None
    above: Money | None


def _ask(sentence: str) -> None:
    """On a terminal a yes or no; elsewhere nobody can answer.

    Raises:
        click.UsageError: Nobody can answer.
        click.Abort: The answer is no.
    """
    sentence = plain(sentence)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{sentence}; say --yes, or bound it with --max-cost")
    click.confirm(f"{sentence}. Send them?", abort=True, err=True)


def _with_options(command: Callable[..., Any], options: tuple[Any, ...]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def _read(name: str, text: Any) -> Any:
    """Raises click.UsageError: it is no amount or no time."""
    if text is None or name not in _READERS:
        return text
    try:
        return _READERS[name](text)
    except ValueError as error:
        raise click.UsageError(f"--{name.replace('_', '-')} {error}") from None
