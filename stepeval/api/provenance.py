"""Where a run's numbers come from: host, versions, git, the command that reproduces them."""

import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from stepeval.core.record import Mode, RunInfo

_NAMES_PROGRAMS = ("filter.", "core.fsmonitor", "core.hookspath", "include.", "includeif.")
_NAMED = ("httpx", "stepeval")  # what stands between the numbers and the wire


def describe_run(
    run_id: str,
    *,
    created_at: float,
    suite_name: str,
    suite_hash: str,
    mode: Mode,
    command: str,
    beside: Path,
) -> RunInfo:
    """``beside``: a file whose git checkout, if it is in one, is the suite's."""
    commit, dirty = _git_state(beside.parent)
    return RunInfo(
        id=run_id,
        suite_name=suite_name,
        suite_hash=suite_hash,
        mode=mode,
        created_at=created_at,
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={"python": platform.python_version(), **{n: version(n) for n in _NAMED}},
        command=command,
        git_commit=commit,
        git_dirty=dirty,
    )


def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    """The commit, and whether tracked files differ from it; None for what is not known."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None or _may_run_code(folder):
        return commit, None
    # Untracked files are left out: a run's own results would make every second run dirty.
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit, None if status is None else bool(status)


def _may_run_code(folder: Path) -> bool:
    """Whether the checkout's own configuration names programs that ``git status`` would start.

    A suite's folder may come from a stranger with its ``.git``; only the user's own git
    configuration is the user's word.
    """
    listed = _git(folder, "config", "--show-scope", "--name-only", "--list")
    if listed is None:
        return True
    keys = (line.lower().split("\t") for line in listed.splitlines())
    return any(
        scope in {"local", "worktree"} and name.startswith(_NAMES_PROGRAMS)
        for scope, name, *_ in keys
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words, no shell
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],  # noqa: S607 -- the user's own git
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def this_command() -> str:
    """The command line as it can be typed again. Keys never stand on it."""
    return shlex.join(["stepeval", *sys.argv[1:]])
