"""What `--help` lists is what exists, said once."""

from pathlib import Path

import click
from click.testing import CliRunner

from stepeval.cli.main import COMMANDS, cli


def test_every_listed_command_exists_and_explains_itself() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert "Usage:" in result.output


def test_help_lists_every_command_with_its_sentence() -> None:
    output = CliRunner().invoke(cli, ["--help"]).output
    for name, (_, sentence) in COMMANDS.items():
        assert name in output
        assert sentence.split()[0] in output


def test_no_command_takes_a_key_on_its_command_line() -> None:
    """Command lines are visible to every process and end in shell histories."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = {o for p in command.params for o in getattr(p, "opts", [])}
        assert not options & {"--key", "--api-key", "--token", "--secret"}


def test_every_option_is_documented() -> None:
    """Either a page of docs/ names it, or it is hidden on purpose."""
    root = Path(__file__).parents[2]
    docs = "".join(path.read_text("utf-8") for path in (root / "docs").glob("*.md"))
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert f"`{parameter.opts[0]}" in docs, f"{name} {parameter.opts[0]}"
