"""Where a run's numbers come from: host, versions, git, the command that reproduces them."""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from stepeval.core.load import LoadPlan
from stepeval.core.record import Mode, RunInfo

_HASHES = {40: "sha1", 64: "sha256"}  # a repository's object format, by the length of its names
_NAMED = ("httpx", "stepeval")  # what stands between the numbers and the wire


def describe_run(
    run_id: str,
    *,
    created_at: float,
    suite_name: str,
    suite_hash: str,
    mode: Mode,
    command: str,
    beside: Path | None,
    load: LoadPlan | None = None,
) -> RunInfo:
    """``beside``: a file whose git checkout, if it is in one, is the suite's; None: no file."""
    commit, dirty = (None, None) if beside is None else _git_state(beside)
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
        load=load,
    )


def _git_state(suite: Path) -> tuple[str | None, bool | None]:
    """The commit, and whether the suite's file differs from it; None for what is not known.

    A suite's folder may come from a stranger with its ``.git``, and ``git status`` starts programs
    that one names (monitors, filters, remotes): so git only looks names up, and reads no file.
    """
    commit = _git(suite.parent, "rev-parse", "--verify", "HEAD")
    committed = _git(suite.parent, "rev-parse", "--verify", f"HEAD:./{suite.name}")
    if commit is None or committed is None:
        return commit, None
    content = suite.read_bytes()
    blob = hashlib.new(_HASHES.get(len(committed), "sha1"), b"blob %d\0" % len(content))
    blob.update(content)
    return commit, blob.hexdigest() != committed


def _git(folder: Path, *arguments: str) -> str | None:
    settings = ("-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit")
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words, no shell
            ["git", *settings, "-C", str(folder), *arguments],  # noqa: S607 -- the user's own git
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            check=False,
            # A checkout that lacks objects would have them fetched, by a program of its choice.
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def this_command() -> str:
    """The command line as it can be typed again. Keys never stand on it."""
    return shlex.join(["stepeval", *sys.argv[1:]])
