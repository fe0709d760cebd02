"""A recorded response, read as if it came now. No IO, no clock, no waiting."""

from stepeval.client.body import LARGEST_BODY
from stepeval.client.faults import BadBody
from stepeval.client.reception import Reception, read_head
from stepeval.client.stamps import Read
from stepeval.core.chat import Failure, Response, Timing, Wire


def play(wire: Wire, base_ns: int, cap: int = LARGEST_BODY) -> Response | Failure:
    """What the client makes of it, with the recorded times counted from ``base_ns``.

    It takes the way of a live response: a mended parser mends replays as well, a test that replays
    tests the parser, and a hostile recording meets the bounds that a hostile server does.
    """
    headers_ns = None if wire.headers_ns is None else base_ns + wire.headers_ns
    timing = Timing(None, base_ns if wire.sent else None, headers_ns, None)
    if wire.status is None:
        assert wire.cut is not None, "neither a head nor the reason why there is none"
        return Failure(*wire.cut, timing=timing)
    head = read_head(wire.status, wire.headers, now=0.0)
    reception = Reception(head, timing, cap, _as_it_is)
    try:
        for piece in wire.pieces:
            arrival, before = base_ns + piece.arrival_ns, base_ns + piece.not_before_ns
            if reception.feed(piece.data, Read(arrival, before, piece.stamp)):
                break
        return reception.end() if wire.cut is None else reception.cut(*wire.cut)
    except BadBody as fault:
        return reception.refuse(fault)


def _as_it_is(text: str) -> str:
    return text  # keys were taken out when it was recorded
