"""When bytes reached a socket, by the kernel's clock where it tells.

A busy server reads late. Were a request's time counted from the reading, the wait for it would be
held against the client.
"""

import socket
import struct
import sys
import time

_SO_TIMESTAMPNS = 35  # Linux on x86 and Arm; Python has no name for it
_TIMESPEC = struct.Struct("@ll")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
_BELIEVABLE_NS = 10_000_000_000  # beyond it the clock was set between arrival and reading


def ask_for_stamps(listener: socket.socket) -> bool:
    """For the connections it accepts, too; whether there will be any."""
    if sys.platform != "linux":
        return False
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def read(connection: socket.socket, size: int) -> tuple[bytes, int]:
    """What is there, and the monotonic time of the reading. Raises OSError as ``recv`` does."""
    data = connection.recv(size)
    return data, time.monotonic_ns()


def read_stamped(connection: socket.socket, size: int) -> tuple[bytes, int]:
    """What is there, and when the last of it came. Raises OSError as ``recvmsg`` does."""
    data, told, _, _ = connection.recvmsg(size, _ROOM)
    now_ns, clock_ns = time.monotonic_ns(), time.time_ns()
    for level, kind, value in told:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
            seconds, rest_ns = _TIMESPEC.unpack(value)
            waited_ns = clock_ns - (seconds * 1_000_000_000 + rest_ns)
            if 0 <= waited_ns < _BELIEVABLE_NS:
                return data, now_ns - waited_ns
    return data, now_ns
