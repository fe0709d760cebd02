"""The scorer that looks for a regular expression."""

from dataclasses import dataclass

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.linear_regex import Program, compiled, searchable
from stepeval.scorers.verdict import quote, right, unscored, wrong
from stepeval.scorers.wanted import NoTarget, wanted_texts


@dataclass(frozen=True, slots=True)
class Regex:
    """The pattern matches somewhere in the answer, or all of it with ``full_match``.

    ``group`` picks what is reported as the answer; with ``equals_target`` that, without the space
    around it, must also be the sample's target. Without a ``pattern`` the target is the pattern.
    """

    pattern: str | None = None
    ignore_case: bool = False
    full_match: bool = False
    group: int | str = 0
    equals_target: bool = False

    def __post_init__(self) -> None:
        if self.pattern is None:
            if self.equals_target:
                raise ValueError("equals_target needs a pattern: the target can not be both")
            if self.group != 0:
                raise ValueError("group needs a pattern: a target's groups are not known")
            return
        _check_group(compiled(self.pattern, ignore_case=self.ignore_case), self.group)

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        patterns = wanted_texts(self.pattern, sample.target)
        if isinstance(patterns, NoTarget):
            return patterns.score("regex")
        for pattern in patterns:
            try:
                program = compiled(pattern, ignore_case=self.ignore_case)
            except ValueError as error:
                return unscored("regex", str(error))
            text = searchable(choice.text or "")
            match = program.fullmatch(text) if self.full_match else program.search(text)
            if match is not None:
                return self._judged(match[self.group], sample)
        how = "fully match" if self.full_match else "match"
        shown = " or ".join(quote(pattern) for pattern in patterns)
        return wrong("regex", f"the answer does not {how} {shown}")

    def _judged(self, answer: str | None, sample: Sample) -> Score:
        if not self.equals_target:
            return right("regex", answer)
        wanted = wanted_texts(None, sample.target, empty_allowed=True)
        if isinstance(wanted, NoTarget):
            return wanted.score("regex")
        if answer is None:
            return wrong("regex", f"the pattern matched, but its group {self.group!r} did not")
        comparable = answer.strip().casefold() if self.ignore_case else answer.strip()
        for one in wanted:
            if comparable == (one.strip().casefold() if self.ignore_case else one.strip()):
                return right("regex", answer)
        return wrong("regex", f"the pattern found {quote(answer)}, not the target", answer)


def _check_group(program: Program, group: int | str) -> None:
    if isinstance(group, int):
        if not 0 <= group <= program.groups:
            raise ValueError(f"group {group} does not exist: the pattern has {program.groups}")
    elif group not in program.groupindex:
        known = ", ".join(program.groupindex) or "none"
        raise ValueError(f"group {group!r} does not exist: the pattern names {known}")
