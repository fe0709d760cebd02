"""How much worse is still accepted, as people write it: ``2pp``, ``10%``, ``1.2x``."""

import re

_POINTS = re.compile(r"(\d+(?:\.\d+)?) ?(?:pp|points?)?")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_TIMES = re.compile(r"(\d+(?:\.\d+)?) ?x")


def parse_points(text: str) -> float:
    """Points of 100, as a number between 0 and 1: ``2pp``, or plain ``2``.

    Raises ValueError, its message the end of a sentence: "must be ...".
    """
    found = _POINTS.fullmatch(text.strip())
    value = float(found[1]) / 100 if found else 0.0
    if not 0 < value < 1:
        raise ValueError(f"must be points above 0 and below 100, such as 2pp, not {text!r}")
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
