"""Ctrl-C and a polite kill become a run's wish to stop."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from stepeval.execution.stop import StopSignal


@contextmanager
def stopping_on_signals(stop: StopSignal) -> Iterator[None]:
    """The first Ctrl-C waits for the answers under way, which are paid for; the second does not."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.request)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
