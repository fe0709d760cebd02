"""Evaluate prompts and benchmark chat-completion APIs.

Names are resolved on first use, so that ``import stepeval`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepeval.api.frames import load_run
    from stepeval.core.chat import Choice
    from stepeval.core.record import Score
    from stepeval.core.task import Sample

__version__ = "0.1.0"
__all__ = ["Choice", "Sample", "Score", "__version__", "load_run"]

_HOMES = {
    "Choice": "stepeval.core.chat",
    "Sample": "stepeval.core.task",
    "Score": "stepeval.core.record",
    "load_run": "stepeval.api.frames",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepeval' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
