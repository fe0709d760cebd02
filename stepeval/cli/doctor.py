"""Is everything there that a run needs?"""

import click

from stepeval.cli.options import as_json
from stepeval.cli.terminal import plain

_MARKS = {"ok": "ok  ", "note": "note", "fail": "FAIL"}


@click.command()
@as_json
def doctor(json: bool) -> int:
    """Check key, host, clock, simulator and local servers. Sends nothing to an API.

    Exit code 5 when something stands in the way of a run; a note does not.
    """
    from stepeval.api.doctor import check_all

    checks = []
    for check in check_all():
        checks.append(check)
        if not json:
            click.echo(plain(f"{_MARKS[check.state]}  {check.name}: {check.message}"))
    if json:
        from dataclasses import asdict

        from stepeval.cli.terminal import echo_json

        echo_json([asdict(check) for check in checks])
    return 5 if any(check.state == "fail" for check in checks) else 0
