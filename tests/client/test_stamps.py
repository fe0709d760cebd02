"""The kernel's stamps on the monotonic clock, whatever happens to the wall clock."""

import socket
import struct
import time
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.stamps import KERNEL, READ, Ancillary, ArrivalClock, Read, ask_for_stamps

SECOND = 1_000_000_000


@dataclass
class Clocks:
    """A wall clock that can be set, beside one that cannot. Looking at either takes some time."""

    now: int = 50 * SECOND
    offset: int = 1_700_000_000 * SECOND
    look: int = 100

    def monotonic_ns(self) -> int:
        self.now += self.look
        return self.now

    def wall_ns(self) -> int:
        self.now += self.look
        return self.now + self.offset

    def arrival_clock(self) -> ArrivalClock:
        return ArrivalClock(self.monotonic_ns, self.wall_ns)

    def stamp(self, at: int) -> Ancillary:
        """What the kernel says of bytes that came at this monotonic time."""
        seconds, rest = divmod(at + self.offset, SECOND)
        return [(socket.SOL_SOCKET, 35, struct.pack("@qq", seconds, rest))]


@settings(deadline=None)
@given(
    offset=st.integers(-100 * SECOND, 2**61),
    waited=st.integers(0, 10 * SECOND),
    look=st.integers(0, 2_000),
)
def test_a_stamp_is_the_arrival_however_late_it_is_read(
    offset: int, waited: int, look: int
) -> None:
    clocks = Clocks(offset=max(offset, -40 * SECOND), look=look)
    clock = clocks.arrival_clock()
    arrived = clocks.now
    ancillary = clocks.stamp(arrived)
    clocks.now += waited
    read = clock.read(ancillary, not_before_ns=1, read_ns=clocks.monotonic_ns())
    assert read.stamp == KERNEL
    assert abs(read.arrival_ns - arrived) <= 4 * look + 1
    assert read.not_before_ns == 1


@given(step=st.sampled_from([-3600, -1, -0.001, 0.001, 1, 3600]))
def test_a_clock_that_was_set_in_between_bends_nothing(step: float) -> None:
    clocks = Clocks()
    clock = clocks.arrival_clock()
    asked = clocks.now
    ancillary = clocks.stamp(clocks.now + 5)
    clocks.now += 1000
    clocks.offset += round(step * SECOND)
    read_ns = clocks.monotonic_ns()
    assert clock.read(ancillary, not_before_ns=asked, read_ns=read_ns) == Read(read_ns, asked, READ)


def test_a_stamp_from_before_the_step_is_not_mapped_though_another_socket_saw_the_step() -> None:
    clocks = Clocks()
    clock = clocks.arrival_clock()
    asked = clocks.now
    old = clocks.stamp(clocks.now)
    clocks.offset += SECOND
    clock.read(clocks.stamp(clocks.now), not_before_ns=asked, read_ns=clocks.monotonic_ns())
    late = clocks.monotonic_ns()
    assert clock.read(old, not_before_ns=asked, read_ns=late).stamp == READ
    fresh = clocks.stamp(clocks.now)
    after = clock.read(fresh, not_before_ns=clocks.now, read_ns=clocks.monotonic_ns())
    assert after.stamp == KERNEL, "from then on the new offset holds"


def test_bounds_stay_in_order_where_the_kernel_was_before_the_read() -> None:
    """A segment is stamped before it is queued: a read in between finds nothing."""
    clocks = Clocks()
    clock = clocks.arrival_clock()
    arrived = clocks.now
    emptied = arrived + 2_000
    clocks.now += 9_000
    read = clock.read(clocks.stamp(arrived), not_before_ns=emptied, read_ns=clocks.monotonic_ns())
    assert read.not_before_ns <= read.arrival_ns


def test_without_a_stamp_the_time_of_the_read_stands() -> None:
    assert ArrivalClock().read((), not_before_ns=1, read_ns=2) == Read(2, 1, READ)
    other = [(socket.SOL_SOCKET, 1, bytes(16))]
    assert ArrivalClock().read(other, not_before_ns=1, read_ns=2).stamp == READ


def test_this_kernel_stamps_what_was_sent_and_not_what_was_read() -> None:
    """Where it does not, reads are stamped, and say so; then there is nothing to hold it to."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as ours:
        room = ask_for_stamps(ours)
        ours.connect(server.getsockname())
        peer, _ = server.accept()
        with peer:
            clock, errors = ArrivalClock(), []
            for _ in range(20):
                sent = time.monotonic_ns()
                peer.send(b"x")
                time.sleep(0.005)
                _, ancillary, _, _ = ours.recvmsg(100, room)
                read = clock.read(ancillary, not_before_ns=0, read_ns=time.monotonic_ns())
                errors.append(read.arrival_ns - sent)
    if room and read.stamp == KERNEL:
        assert sorted(errors)[10] < 2_000_000, "the five milliseconds of waiting are not in it"
