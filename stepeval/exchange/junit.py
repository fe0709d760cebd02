"""Checks as JUnit XML: what GitLab shows in a merge request, and most CI services know.

A ``testcase`` for each check; ``failure`` where an answer is not as expected, ``error`` where there
is no answer, ``skipped`` where it is known to fail or was not asked. Names are those that GitLab
reads: ``classname``, ``name``, ``file``, ``time``.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from stepeval.analysis.check_words import whole
from stepeval.analysis.checks import Check, Checked, Ending

# What XML 1.0 has no way to write, and what reorders the text around it.
_UNFIT = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_ELEMENTS = {
    Ending.FAILED: "failure",
    Ending.ERROR: "error",
    Ending.KNOWN: "skipped",
    Ending.SKIPPED: "skipped",
}


def junit_xml(checked: Checked) -> str:
    """One document. Equal checks give equal documents."""
    counts = {
        name: sum(_ELEMENTS.get(check.ending) == element for check in checked.checks)
        for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    info = checked.info
    total: dict[str, object] = {"tests": len(checked.checks), **counts}
    started = datetime.fromtimestamp(info.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    known = [check.seconds for check in checked.checks if check.seconds is not None]
    suite = {"name": info.suite_name, **total, "timestamp": started, **_time(sum(known), known)}
    lines = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites{_attributes(total)}>",
        f"<testsuite{_attributes(suite)}>",
        *_properties(checked),
        *(line for check in checked.checks for line in _case(check, info.suite_name)),
        "</testsuite>",
        "</testsuites>",
        "",
    )
    return "\n".join(lines)


def _properties(checked: Checked) -> Iterator[str]:
    info = checked.info
    told = {
        "stepeval.run": info.id,
        "stepeval.mode": info.mode.value,
        "stepeval.asked": info.asked_as.value,
        "stepeval.suite_hash": info.suite_hash,
        "stepeval.git_commit": info.git_commit,
    }
    yield "<properties>"
    for name, value in told.items():
        if value is not None:
            yield f"<property{_attributes({'name': name, 'value': value})}/>"
    yield "</properties>"


def _case(check: Check, suite: str) -> Iterator[str]:
    place = {"file": check.file, "line": check.line}
    told = {name: value for name, value in place.items() if value is not None}
    seconds = () if check.seconds is None else (check.seconds,)
    case = {"classname": f"{suite}.{check.arm}", "name": check.name, **told}
    head = f"<testcase{_attributes({**case, **_time(sum(seconds), seconds)})}"
    element = _ELEMENTS.get(check.ending)
    if element is None:
        yield f"{head}/>"
        return
    yield f"{head}>"
    message = {"message": check.sentence}
    kind = {} if element == "skipped" else {"type": check.kind.value}
    yield f"<{element}{_attributes({**message, **kind})}>{escape(_clean(whole(check)))}</{element}>"
    yield "</testcase>"


def _time(seconds: float, known: object) -> dict[str, str]:
    """In seconds; left out where nothing is known, for 0 would be read as very fast."""
    return {"time": f"{seconds:.3f}"} if known else {}


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_clean(str(value)))}" for name, value in values.items())


def _clean(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
