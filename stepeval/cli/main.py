"""The table of commands, and the one place where errors become sentences and exit codes."""

import gc
import os
import sys
from collections.abc import Mapping
from importlib import import_module

import click

# name: (home, what `--help` says). The sentence stands here so that help imports no command.
_GARBAGE = 10_000  # new objects between two searches; Python's 700 cost a run an eighth more time

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("stepeval.cli.run:demo", "Run the reasoning-tiers suite on the embedded simulator."),
    "run": ("stepeval.cli.run:run", "Run a suite, score it and write its report."),
    "bench": ("stepeval.cli.bench:bench", "Measure latency and throughput under load."),
    "resume": ("stepeval.cli.run:resume", "Finish an interrupted run: send only what is missing."),
    "retry": ("stepeval.cli.run:retry", "Ask some of a run's requests again."),
    "score": ("stepeval.cli.run:score", "Score a stored run again, without a request."),
    "report": ("stepeval.cli.stored:report", "Write a stored run's HTML report."),
    "runs": ("stepeval.cli.stored:runs", "List the stored runs."),
    "prune": ("stepeval.cli.prune:prune", "Remove old runs."),
    "show": ("stepeval.cli.stored:show", "Show a stored run's results in the terminal."),
    "compare": ("stepeval.cli.compare:compare", "Compare arms or runs on the same items."),
    "power": ("stepeval.cli.compare:power", "Say how many items would show a difference."),
    "gate": ("stepeval.cli.gate:gate", "Say whether a run is worse than a baseline."),
    "baseline": ("stepeval.cli.baseline:baseline", "Keep what runs reached, to gate later ones."),
    "history": ("stepeval.cli.history:history", "Show a suite over its stored runs."),
    "export": ("stepeval.cli.stored:export", "Write a stored run as CSV or JSON lines."),
    "cache": ("stepeval.cli.answers:cache", "Say what the response cache holds, or clear it."),
    "init": ("stepeval.cli.suites:init", "Write a small commented suite that runs at once."),
    "validate": ("stepeval.cli.suites:validate", "Say what a suite would send and cost."),
    "plan": ("stepeval.cli.suites:plan", "Say what a run would send, cost and take."),
    "schema": ("stepeval.cli.suites:schema", "Print the JSON Schema of suite files."),
    "doctor": ("stepeval.cli.doctor:doctor", "Check key, host, clock, simulator, local servers."),
    "simulate": ("stepeval.cli.simulate:simulate", "Serve a simulated StepFun on loopback."),
}

EPILOG = """\b
Exit codes: 0 done or safe, 1 regressed, 2 wrong input, 3 inconclusive, 4 run
incomplete (resume it), 5 provider or authentication, 70 internal error, 130
interrupted."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            from stepeval.core.errors import did_you_mean

            raise click.UsageError(f"no command {name!r}{did_you_mean(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stepeval")
def cli() -> None:
    """Evaluate prompts and benchmark chat-completion APIs.

    Start with `stepeval demo`: it needs no key and spends nothing.
    """


def main(arguments: list[str] | None = None) -> None:
    gc.set_threshold(_GARBAGE)
    code = _run(arguments)
    gc.freeze()  # the exit would search all that is left, before the kernel takes it back anyway
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """Every way a command can end, as an exit code; no traceback reaches a user."""
    try:
        result = cli.main(arguments, prog_name="stepeval", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted; Python's own flush at exit would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 -- the last line before the user
        return _explain(error)
    return int(result) if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    from stepeval.core.errors import StepevalError

    if isinstance(error, StepevalError):
        _complain(str(error))
        return int(error.exit_code)
    if isinstance(error, OSError) and error.filename:
        _complain(f"{error.filename}: {error.strerror}")
        return 2
    if os.environ.get("STEPEVAL_DEBUG"):
        raise error
    _complain(
        f"internal error: {type(error).__name__}: {error}. What was recorded is safe; "
        "STEPEVAL_DEBUG=1 shows where it happened."
    )
    return 70


def _complain(message: str) -> None:
    from stepeval.cli.terminal import plain

    click.echo(plain(message), err=True)
