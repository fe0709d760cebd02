"""The program as users run it: a process of its own, in an empty directory, over real sockets."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepeval.simulator.thread import RunningSimulator


@dataclass(frozen=True)
class Shell:
    """Runs `stepeval` in ``folder``. Its environment has no key unless one is given."""

    folder: Path

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "stepeval", *arguments],
            cwd=self.folder,
            env={**clean, "XDG_CONFIG_HOME": str(self.folder / "config"), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, code: int = 0
    ) -> "Said":
        process = self.start(*arguments, env=env)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"{arguments} ended with {process.returncode}: {err}"
        assert "Traceback" not in err
        return Said(out, err)

    def suite(self, text: str, name: str = "suite.yaml") -> str:
        (self.folder / name).write_text(text, "utf-8")
        return name

    def run_folder(self) -> Path:
        (run,) = (self.folder / ".stepeval" / "runs").iterdir()
        return run


@dataclass(frozen=True)
class Said:
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Serve = Callable[..., RunningSimulator]
