"""What the options about money become, and who is asked."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from stepeval.api import run as api_run
from stepeval.api.guards import Guard
from stepeval.cli.main import cli
from stepeval.cli.progress import LineProgress, Tally
from stepeval.core.amounts import Money
from stepeval.core.errors import UsageError
from stepeval.core.record import Mode
from stepeval.core.task import Budget, Suite


@pytest.fixture
def guard_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """``guard_of("--yes")``: the guard that a run with these options gets."""
    caught: list[Guard] = []

    def start_run(*_: Any, guard: Guard, **__: Any) -> None:
        caught.append(guard)
        raise UsageError("enough")

    monkeypatch.setattr(api_run, "start_run", start_run)
    suite = tmp_path / "s.yaml"
    suite.touch()

    def guard(*options: str) -> Guard:
        result = CliRunner().invoke(cli, ["run", str(suite), *options], standalone_mode=False)
        assert isinstance(result.exception, UsageError), result.output
        return caught.pop()

    return guard


def test_options_become_a_budget_and_patience(guard_of: Any) -> None:
    options = ("--max-cost", "5USD", "--max-tokens", "7", "--max-time", "1h30m")
    guard = guard_of(*options, "--max-requests", "9", "--give-up-after", "2m")
    assert guard.budget == Budget(Money(5, "USD"), 7, 5400, 9, give_up_after_s=120)


def test_who_names_the_most_it_may_cost_is_not_asked_again(guard_of: Any) -> None:
    assert guard_of("--max-cost", "5USD").approve is None
    assert guard_of("--yes").approve is None
    asked = guard_of("--max-tokens", "5", "--confirm-above", "3EUR")
    assert asked.ask_above == Money(3, "EUR")
    with pytest.raises(click.UsageError, match="say --yes, or bound it with --max-cost"):
        asked.approve("100 requests may cost up to 5 USD")


def test_a_pause_is_told_at_once_and_stands_in_the_line_until_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = LineProgress(Tally(Suite("s", (), (), (), ()), Mode.LIVE), quiet=False)
    progress.paused("paused: 10 requests in a row failed (server: \x1b[2Jno)")
    assert "paused: 10 requests in a row failed (server: \N{REPLACEMENT CHARACTER}[2Jno)" in (
        capsys.readouterr().err
    )
    assert "paused: " in progress.tally.line()
    progress.paused(None)
    assert "paused" not in progress.tally.line()
