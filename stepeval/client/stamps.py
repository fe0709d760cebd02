"""When bytes arrived: the kernel's own stamp where it gives one, else the time of the read.

Linux stamps each segment of a socket that asked for it (SO_TIMESTAMPNS), by the wall clock, and
hands the stamp out with the data, however late it is read. Segments that wait are merged and
carry the stamp of the last one: a stamp is exact while at most one piece waits, and else an upper
bound, with the read before as the lower one.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

Ancillary: TypeAlias = Sequence[tuple[int, int, bytes]]

_OPTION = 35  # SO_TIMESTAMPNS of Linux on x86 and Arm, which Python 3.11 has no name for
_TIMESPEC = struct.Struct("@qq")  # seconds, nanoseconds
_TOLERANCE_NS = 50_000  # between two readings of one offset; more is a step of the wall clock
_PAIRS = 5

KERNEL, READ = "kernel", "read"


class Read(NamedTuple):
    """One read of a socket: all that came with it arrived by ``arrival_ns``, none of it before
    ``not_before_ns``. ``stamp`` says whose clock that is, KERNEL or READ.
    """

    arrival_ns: int
    not_before_ns: int
    stamp: str = READ


def ask_for_stamps(connection: socket.socket) -> int:
    """Before the connection is made. Returns the room that a read must leave for stamps."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        connection.setsockopt(socket.SOL_SOCKET, _OPTION, 1)
    except OSError:  # an unusual kernel: its reads are stamped like anybody's
        return 0
    return socket.CMSG_SPACE(_TIMESPEC.size)


class ArrivalClock:
    """The kernel's stamps as monotonic nanoseconds.

    The wall clock's offset is read again with every stamp. Where it has changed, the clock was
    set: a stamp from before that moment cannot be mapped, and the time of the read stands in.
    """

    def __init__(
        self,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._monotonic_ns, self._wall_ns = monotonic_ns, wall_ns
        self._offset = self._measure()
        self._stepped_ns = -1

    def read(self, ancillary: Ancillary, *, not_before_ns: int, read_ns: int) -> Read:
        """``read_ns`` is just after the read, ``not_before_ns`` just before the one before it."""
        stamp = _stamp(ancillary)
        if stamp is None or not self._may_map(not_before_ns, read_ns):
            return Read(read_ns, not_before_ns)
        arrival = min(stamp + self._offset, read_ns)
        # A segment is stamped a little before it can be read: the read between missed it.
        return Read(arrival, min(not_before_ns, arrival), KERNEL)

    def _may_map(self, not_before_ns: int, read_ns: int) -> bool:
        if abs(read_ns - self._wall_ns() - self._offset) > _TOLERANCE_NS:
            offset = self._measure()  # this thread may only have been held up in between
            if abs(offset - self._offset) > _TOLERANCE_NS:
                self._offset, self._stepped_ns = offset, read_ns
        return self._stepped_ns < not_before_ns

    def _measure(self) -> int:
        """Monotonic less wall time, from the pair that was read with the least between."""
        pairs = []
        for _ in range(_PAIRS):
            before = self._monotonic_ns()
            wall = self._wall_ns()
            after = self._monotonic_ns()
            pairs.append((after - before, (before + after) // 2 - wall))
        return min(pairs)[1]


def _stamp(ancillary: Ancillary) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _OPTION and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return None
