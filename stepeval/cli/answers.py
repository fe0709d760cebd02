"""Options that say where answers come from and go to, and the command for the cache."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.options import as_json

if TYPE_CHECKING:
    from stepeval.api.cache import CacheInfo

_DEFAULT = Path(".stepeval") / "cache"
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path)
_NAMES = ("cache", "no_cache", "record", "replay", "offline")
_OPTIONS = (
    click.option(
        "--cache",
        type=_FOLDER,
        is_flag=False,
        flag_value=str(_DEFAULT),
        metavar="[DIR]",
        help=f"Take answers from here, and keep new ones [{_DEFAULT}].",
    ),
    click.option("--no-cache", is_flag=True, help="Ask anew, though the suite says cache: true."),
    click.option("--record", type=_FILE, metavar="FILE", help="Record every answer in a cassette."),
    click.option("--replay", type=_FILE, metavar="FILE", help="Let a cassette answer: no network."),
    click.option("--offline", is_flag=True, help="Open no connection at all."),
)


def answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets ``sources``, a :class:`stepeval.api.sources.Sources`."""

    @wraps(command)
    def with_sources(*args: Any, **values: Any) -> Any:
        from stepeval.api.sources import Sources

        chosen = {name: values.pop(name) for name in _NAMES}
        return command(*args, sources=Sources(**chosen), **values)

    decorated: Callable[..., Any] = with_sources
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@click.command()
@click.option("--cache", "folder", type=_FOLDER, default=_DEFAULT, show_default=True, metavar="DIR")
@click.option("--clear", is_flag=True, help="Forget every answer.")
@as_json
def cache(folder: Path, clear: bool, json: bool) -> None:
    """Say what the response cache holds, or clear it."""
    from stepeval.api.cache import cache_info, clear_cache

    if clear:
        clear_cache(folder)
    info = cache_info(folder)
    if json:
        from dataclasses import asdict

        from stepeval.cli.terminal import echo_json

        echo_json(asdict(info))
        return
    _print_info(info)


def _print_info(info: "CacheInfo") -> None:
    from stepeval.cli.terminal import counted, plain

    size = f"{info.size_bytes / 1e6:.1f} MB"
    click.echo(plain(f"{info.path}: {counted(info.answers, 'answer')}, {size}"))
    for model, count in info.models.items():
        click.echo(plain(f"  {model}: {count:,}"))
