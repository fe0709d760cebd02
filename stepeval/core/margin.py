"""How much worse is still accepted, as people write it: ``2pp``, ``10%``, ``1.2x``."""

import re

_POINTS = re.compile(r"(\d+(?:\.\d+)?) ?(pp|points?)?")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_TIMES = re.compile(r"(\d+(?:\.\d+)?) ?x")


def parse_points(text: str) -> float:
    """Points of 100, as a number between 0 and 1: ``2pp``, or plain ``2``.

    A plain number below 1 may mean a share of 1, and ``2%`` a share of the score: neither is taken
    for points. Raises ValueError, its message the end of a sentence: "must be ...".
    """
    found, share = _POINTS.fullmatch(text.strip()), _SHARE.fullmatch(text.strip())
    value = float(found[1]) / 100 if found else 0.0
    hint = f" (did you mean {float(share[1]):g}pp?)" if share else ""
    bare = found is not None and found[2] is None
    if bare and 0 < value < 0.01:  # noqa: PLR2004 -- below one point
        hint = f" (did you mean {10_000 * value:g}pp or {100 * value:g}pp?)"
    if hint or not 0 < value < 1:
        raise ValueError(f"must be points above 0 and below 100, such as 2pp, not {text!r}{hint}")
    return value


def parse_ratio(text: str) -> float:
    """What is accepted, by what was: ``10%`` and ``1.1x`` are 1.1.

    Raises ValueError, its message the end of a sentence: "must be ...".
    """
    compact = text.strip()
    share, times = _SHARE.fullmatch(compact), _TIMES.fullmatch(compact)
    value = 1 + float(share[1]) / 100 if share else float(times[1]) if times else 0.0
    if not 1 < value <= 100:  # noqa: PLR2004 -- a hundredfold is no margin any more
        raise ValueError(f"must be a share or a factor above 1, such as 10% or 1.1x, not {text!r}")
    return value
