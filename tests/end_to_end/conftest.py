"""Each test has an empty folder of its own, and simulators as it likes them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from program import Serve, Shell

from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import RunningSimulator, running

AT_ONCE = Speed(scale=0)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(fault_rates=...)``: a simulator that answers at once unless told otherwise."""
    with ExitStack() as stack:

        def start(**settings: Any) -> RunningSimulator:
            config = SimulatorConfig(**{"speed": AT_ONCE, **settings})
            return stack.enter_context(running(config))

        yield start
