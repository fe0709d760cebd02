"""A check in words, for whoever has to mend what it found."""

from collections.abc import Iterator

from stepeval.analysis.checks import Broken, Check

_INDENT = "  "


def place(check: Check) -> str:
    """``file:line``, as far as it is known; empty where nothing is."""
    return ":".join(str(part) for part in (check.file, check.line) if part is not None)


def headline(check: Check) -> str:
    """Without the check's name, which stands above it wherever it is shown."""
    where, said = place(check), check.sentence or check.ending.value
    return f"{where}: {said}" if where else said


def details(check: Check) -> Iterator[str]:
    """Lines below the headline; texts of the model and the data set in, each line of them."""
    if check.row is not None:
        yield f"sample: {check.row}"
    yield from map(_rule, check.broken)
    for name, text in (("answer", check.answer), ("target", check.target)):
        if text is not None:
            first, *others = text.splitlines() or [""]
            yield f"{name}: {first}"
            yield from (f"{_INDENT}{line}" for line in others)


def whole(check: Check) -> str:
    return "\n".join((headline(check), *(f"{_INDENT}{line}" for line in details(check))))


def _rule(broken: Broken) -> str:
    place = "" if broken.line is None else f" (line {broken.line})"
    value = "cannot judge" if broken.value is None else f"{broken.value:.2f}"
    why = f", {broken.explanation}" if broken.explanation else ""
    return f"rule {broken.rule}{place}: {value}{why}"
