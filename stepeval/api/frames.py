"""A stored run as pandas frames: the way in for notebooks and scripts."""

from pathlib import Path

from stepeval.analysis.frames import RunFrames, frames
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder

_DEFAULT_FOLDER = Path(".stepeval") / "runs"


def load_run(run: str | Path = "latest", *, runs: str | Path = _DEFAULT_FOLDER) -> RunFrames:
    """Three tidy frames of one run: ``samples``, ``scores`` and ``chunks``.

    Args:
        run: A run's folder, its id, a prefix of the id, or ``latest``.
        runs: The folder that ids are looked up in.

    Raises:
        RunNotFound: No run has this name.
    """
    return frames(RunReader(RunsFolder(Path(runs)).find(str(run))))
