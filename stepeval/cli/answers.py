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
_NAMES = ("no_cache", "record", "replay", "offline")
_OPTIONS = (
    click.option("--cache", is_flag=True, help="Take known answers from the cache, keep new ones."),
    click.option(
        "--cache-dir", type=_FOLDER, metavar="DIR", help=f"The same with a cache here [{_DEFAULT}]."
    ),
    click.option("--no-cache", is_flag=True, help="Ask anew, though the suite says cache: true."),
    click.option("--record", type=_FILE, metavar="FILE", help="Record every answer in a cassette."),
    click.option("--replay", type=_FILE, metavar="FILE", help="Let a cassette answer: no network."),
    click.option("--offline", is_flag=True, help="Open no connection at all."),
)


def _refuse(_context: click.Context, option: click.Parameter, given: Any) -> None:
    if given:
        raise click.UsageError(
            f"{option.opts[0]} is for stepeval run: a benchmark measures a server, so every "
            "request goes to one"
        )


NOT_FOR_A_LOAD = tuple(
    click.option(name, is_flag=flag, hidden=True, expose_value=False, callback=_refuse)
    for name, flag in (
        *(("--cache", True), ("--no-cache", True), ("--offline", True)),
        *(("--cache-dir", False), ("--record", False)),
    )
)


def answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets ``sources``, a :class:`stepeval.api.sources.Sources`."""

    @wraps(command)
    def with_sources(*args: Any, **values: Any) -> Any:
        from stepeval.api.sources import Sources

        asked, folder = values.pop("cache"), values.pop("cache_dir")
        chosen = {name: values.pop(name) for name in _NAMES}
        cache = folder or (_DEFAULT if asked else None)
        return command(*args, sources=Sources(cache=cache, **chosen), **values)

    decorated: Callable[..., Any] = with_sources
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@click.command()
@click.option(
    "--cache-dir", "folder", type=_FOLDER, default=_DEFAULT, show_default=True, metavar="DIR"
)
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
