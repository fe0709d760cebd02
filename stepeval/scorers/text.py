"""Scorers that compare text with text."""

from dataclasses import dataclass
from typing import Literal

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.verdict import quote, right, wrong
from stepeval.scorers.wanted import NoTarget, check_value, wanted_texts


def _folded(text: str, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text


def _any_of(texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        return quote(texts[0])
    return f"any of {', '.join(quote(text) for text in texts[:4])}" + (
        ", ..." if len(texts) > 4 else ""  # noqa: PLR2004 - as many as the slice before it
    )


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole answer is the wanted text, or one of several."""

    value: str | tuple[str, ...] | None = None
    ignore_case: bool = False
    strip: bool = True
    normalize_space: bool = False

    def __post_init__(self) -> None:
        check_value(self.value, empty_allowed=True)

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        wanted = wanted_texts(self.value, sample.target, empty_allowed=True)
        if isinstance(wanted, NoTarget):
            return wanted.score("exact")
        text = choice.text or ""
        answer = text.strip() if self.strip else text
        if self._comparable(text) in {self._comparable(one) for one in wanted}:
            return right("exact", answer)
        return wrong("exact", f"answered {quote(answer)}, wanted {_any_of(wanted)}", answer)

    def _comparable(self, text: str) -> str:
        if self.normalize_space:
            inner = " ".join(text.split())
            # The edges are `strip`'s business: where it is off they still count, as one space.
            before = " " if not self.strip and text[:1].isspace() else ""
            after = " " if not self.strip and text[-1:].isspace() and inner else ""
            text = f"{before}{inner}{after}"
        elif self.strip:
            text = text.strip()
        return _folded(text, self.ignore_case)


@dataclass(frozen=True, slots=True)
class Includes:
    """The wanted texts occur in the answer: all of them, or at least one."""

    value: str | tuple[str, ...] | None = None
    mode: Literal["any", "all"] = "any"
    ignore_case: bool = False

    def __post_init__(self) -> None:
        check_value(self.value)
        if self.mode not in {"any", "all"}:
            raise ValueError(f"mode must be any or all, not {self.mode!r}")

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        wanted = wanted_texts(self.value, sample.target)
        if isinstance(wanted, NoTarget):
            return wanted.score("includes")
        text = _folded(choice.text or "", self.ignore_case)
        found = [one for one in wanted if _folded(one, self.ignore_case) in text]
        answer = ", ".join(found) or None
        if len(found) == len(wanted) or (found and self.mode == "any"):
            return right("includes", answer)
        missing = tuple(one for one in wanted if one not in found)
        what = _any_of(missing) if self.mode == "any" else quote(missing[0])
        return wrong("includes", f"the answer does not include {what}", answer)


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The answer begins with the wanted text, or with one of several."""

    value: str | tuple[str, ...] | None = None
    ignore_case: bool = False
    strip: bool = True

    def __post_init__(self) -> None:
        check_value(self.value)

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        wanted = wanted_texts(self.value, sample.target)
        if isinstance(wanted, NoTarget):
            return wanted.score("starts_with")
        text = (choice.text or "").lstrip() if self.strip else choice.text or ""
        for one in wanted:
            if _folded(text, self.ignore_case).startswith(_folded(one, self.ignore_case)):
                return right("starts_with", one)
        return wrong("starts_with", f"the answer does not start with {_any_of(wanted)}")


@dataclass(frozen=True, slots=True)
class EndsWith:
    """The answer ends with the wanted text, or with one of several."""

    value: str | tuple[str, ...] | None = None
    ignore_case: bool = False
    strip: bool = True

    def __post_init__(self) -> None:
        check_value(self.value)

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        wanted = wanted_texts(self.value, sample.target)
        if isinstance(wanted, NoTarget):
            return wanted.score("ends_with")
        text = (choice.text or "").rstrip() if self.strip else choice.text or ""
        for one in wanted:
            if _folded(text, self.ignore_case).endswith(_folded(one, self.ignore_case)):
                return right("ends_with", one)
        return wrong("ends_with", f"the answer does not end with {_any_of(wanted)}")


@dataclass(frozen=True, slots=True)
class Length:
    """The answer, without the space around it, has from ``min`` to ``max`` units, both included.

    Characters are Unicode code points, words what white space separates, lines what newlines do.
    """

    min: int | None = None
    max: int | None = None
    unit: Literal["characters", "words", "lines"] = "characters"

    def __post_init__(self) -> None:
        if self.unit not in {"characters", "words", "lines"}:
            raise ValueError(f"unit must be characters, words or lines, not {self.unit!r}")
        if self.min is None and self.max is None:
            raise ValueError("length needs min, max or both")
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is not None and bound < 0:
                raise ValueError(f"{name} must be 0 or more, not {bound}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not be above max, and {self.min} is above {self.max}")

    def __call__(self, sample: Sample, choice: Choice) -> Score:  # noqa: ARG002 - the Scorer protocol's shape
        count = self._count((choice.text or "").strip())
        if self.min is not None and count < self.min:
            return wrong("length", f"{count} {self.unit}, fewer than {self.min}", str(count))
        if self.max is not None and count > self.max:
            return wrong("length", f"{count} {self.unit}, more than {self.max}", str(count))
        return right("length", str(count))

    def _count(self, text: str) -> int:
        if self.unit == "characters":
            return len(text)
        if self.unit == "words":
            return len(text.split())
        return text.count("\n") + 1 if text else 0
