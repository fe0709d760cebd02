"""A gate's and a race's outcome in a sentence."""

from stepeval.analysis.course import Course, Outcome
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.race import Pick, RaceRules


def outcome_in_words(course: Course) -> str:
    """Of a course that has ended. Scores are in points, hundredths of one."""
    outcome = course.outcome
    assert outcome is not None
    last = outcome.looks[-1]
    margin = points(course.rules.margin)
    where = f"look {last.number + 1} of {len(course.design.looks)}, {last.n:,} items"
    found = f"{_change(last)} at {where}"
    return f"{_claim(course, outcome, last, margin)}: {found}{_after(course, last)}"


def _claim(course: Course, outcome: Outcome, last: Look, margin: str) -> str:
    if last.decision is Decision.SAFE and last.stage is Stage.FIRST and last.is_drop:
        return f"safe, with a small drop shown, of less than {margin}"
    if last.decision is Decision.SAFE and last.stage is Stage.FRESH and not course.has_drifted:
        return "inconclusive: worse than the recorded baseline, but fresh answers of both do not"
    if last.decision is Decision.REGRESSED:
        return "regressed, by fresh answers of both prompts"
    if last.decision is Decision.SAFE:
        return f"safe, not worse by more than {margin}"
    return str(outcome.verdict)


def _after(course: Course, last: Look) -> str:
    drift = course.canary
    if course.has_drifted and drift is not None and drift.change is not None:
        return (
            f"; the baseline's own prompt now scores {_signed(drift.change)} on {drift.n} items, "
            "so that only fresh answers were compared: take a new baseline"
        )
    if last.decision is not Decision.INCONCLUSIVE:
        if last.decision is Decision.SAFE and last.stage is Stage.FRESH:
            return "; take a new baseline"
        return ""
    design = course.design
    power = f"{100 * course.rules.power:.0f}%"
    if design.missing:
        return (
            f"; these items catch a drop of {points(design.detectable)} with {power}, and "
            f"{design.missing:,} more would one of {points(course.rules.margin)}"
        )
    return f"; a drop of {points(design.detectable)} would have been caught with {power}"


def pick_in_words(pick: Pick, rules: RaceRules) -> str:
    """With what the items cannot tell, where that is more than the margin."""
    margin = points(rules.margin)
    picked = (
        f"{pick.arm}: the cheapest not shown worse by more than {margin}, by {pick.items:,} items"
    )
    if pick.is_settled or pick.wanted is None or pick.resolution is None:
        return picked
    return (
        f"{picked}; a difference of {margin} to {' and '.join(pick.tied)} cannot be told on these "
        f"items, which tell {points(pick.resolution)}: it takes about {pick.wanted:,}"
    )


def points(share: float) -> str:
    """``0.05`` as ``5 points``."""
    number = f"{100 * share:.1f}".removesuffix(".0")
    return f"{number} {'point' if number == '1' else 'points'}"


def _signed(share: float) -> str:
    return f"{'+' if share >= 0 else '-'}{points(abs(share))}"


def _change(look: Look) -> str:
    if look.change is None or look.low is None or look.high is None:
        return "the change cannot be told"
    low, high = (f"{100 * end:+.1f}" for end in (look.low, look.high))
    return f"{100 * look.change:+.1f} points ({low} to {high}, repeated interval)"
