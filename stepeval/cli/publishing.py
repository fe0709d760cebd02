"""Options that hand a run's result to the service that started it."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from stepeval.core.printable import on_github

if TYPE_CHECKING:
    from stepeval.api.gate import Gated

Publish: TypeAlias = "Callable[[Path, Gated | None], None]"
"""Takes the run's folder, and what a gate found that is not the run's own."""

_OPTIONS = (
    click.option(
        "--junit",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the suite's expectations as JUnit XML.",
    ),
    click.option(
        "--github/--no-github",
        default=None,
        help="Annotate, and add to the step's summary.  [default: in GitHub Actions]",
    ),
)


def published(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets ``publish``, a :data:`Publish`."""

    @wraps(command)
    def with_publish(*args: Any, **values: Any) -> Any:
        junit, github = values.pop("junit"), values.pop("github")
        wanted = on_github() if github is None else github

        def publish(run: Path, gated: "Gated | None") -> None:
            if junit is not None or wanted:
                _publish(run, gated, junit, on_github=wanted)

        return command(*args, publish=publish, **values)

    decorated: Callable[..., Any] = with_publish
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _publish(run: Path, gated: "Gated | None", junit: Path | None, *, on_github: bool) -> None:
    from stepeval.api.publishing import tell_github, write_junit

    if junit is not None:
        write_junit(run, junit)
        click.echo(f"junit: {junit}", err=True)
    if on_github:
        for line in tell_github(run, gated):
            click.echo(line, err=True)  # standard output may be a JSON document
