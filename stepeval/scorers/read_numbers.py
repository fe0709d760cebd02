r"""The numbers written in a text, exactly.

First the notations that spread over several words are rewritten (``\frac{3}{4}``, ``3 \times
10^8``, 2 1/2, vulgar fractions, full-width digits), then the text is cut into chunks, and each
chunk is a number or is not::

    chunk    = word characters, joined by . / - ' or, between digits, by , : and thin spaces
    number   = [sign] [currency] (plain | grouped) [exponent] [unit]  |  [sign] plain "/" plain
    plain    = digits [. digits]  |  . digits
    grouped  = 1 to 3 digits, then groups of three after , _ ' or a thin space  [. digits]
    unit     = letters, as in 12km or 5kg/day

Whatever else holds digits is no number: identifiers (``step-3.7``), dates, times, versions,
ranges, hexadecimal. Word characters are those of scripts that put spaces between words, so the
12 in the middle of a Chinese sentence is found.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_MOST_DIGITS = 1_000
_LARGEST_EXPONENT = 1_000
_LONGEST_CHUNK = 2_000

_WORD = "A-Za-z0-9_À-ÖØ-öø-ɏͰ-ӿ"
_THIN = "\u00a0\u2009\u202f"  # no-break, thin and narrow no-break space
_CHUNK = re.compile(
    rf"(?:(?<![{_WORD}.])\.(?=[0-9]))?[{_WORD}]+"
    rf"(?:(?:[./'\u2019-]|(?<=[0-9])[,:{_THIN}](?=[0-9])|(?<=[0-9][eE])\+(?=[0-9]))[{_WORD}]+)*"
)
_UNIT = r"(?:(?<=[0-9])/?[^\W\d_]+(?:/[^\W\d_]+)*)?"
_NUMBER = {
    point: re.compile(
        rf"(?=\.?[0-9])(?P<whole>[0-9]{{1,3}}(?:[{comma}_'\u2019{_THIN}][0-9]{{3}})+|[0-9]+)?"
        rf"(?:[{point}](?P<part>[0-9]+))?(?:[eE](?P<exponent>[+-]?[0-9]+))?(?P<unit>{_UNIT})"
    )
    for point, comma in ((".", ","), (",", "."))
}
_RATIO = re.compile(r"([0-9]*\.?[0-9]+)/([0-9]*\.?[0-9]+)")
_LIST = re.compile(f"[,{_THIN}]")
_CURRENCY = "$€£¥₩₹"
_NO_SIGN_AFTER = re.compile(rf"[{_WORD})\]}}%+-]")  # there, a minus subtracts or joins
_PERCENT = re.compile(r"\s?(?:%|percent\b)")

_PLAIN_FORMS = str.maketrans(
    {
        **dict(zip("−﹣－＋０１２３４５６７８９．％￥", "---+0123456789.%¥", strict=True)),  # noqa: RUF001 - look-alikes are the point
        "，": ", ",  # noqa: RUF001 - separates clauses, never thousands
    }
)
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_SUPERSCRIPT = re.compile("(?<=10)[⁺⁻]?[⁰¹²³⁴-⁹]+")
_FROM_SUPERSCRIPT = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_BRACE = re.compile(r"(?P<box>\\f?boxed\s?\{)|\\[{}]|[{}]")
_LATEX_COMMA = re.compile(r"(?<=[0-9])(?:\{,\}|\\[,!;:])\s?(?=[0-9]{3})")
_LATEX_RATIO = re.compile(r"\\[dt]?frac\s?\{\s?([0-9.]+)\s?\}\s?\{\s?([0-9.]+)\s?\}")
_TEN_TO_THE = r"10\s?(?:\^|\*\*)\s?(?:\{\s?([+-]?[0-9]+)\s?\}|([+-]?[0-9]+))"
_SCIENTIFIC = re.compile(
    rf"(?<=[0-9])\s{{0,3}}(?:×|·|\\times|\\cdot|[x*])\s{{0,3}}{_TEN_TO_THE}"  # noqa: RUF001 - a multiplication sign
)
_POWER = re.compile(rf"(?<![{_WORD}.,)])(?P<one>){_TEN_TO_THE}")
_MIXED = re.compile(
    rf"(?<![{_WORD}./,])([0-9]{{1,9}}) ([0-9]{{1,9}})/([0-9]{{1,9}})(?![{_WORD}./]{{2}}|[{_WORD}])"
)


@dataclass(frozen=True, slots=True)
class Number:
    """``value`` is None for a number too large to hold. ``percent``: a percent sign follows."""

    text: str
    value: Fraction | None
    percent: bool = False


def numbers_in(text: str, *, decimal_comma: bool = False) -> Iterator[Number]:
    r"""The numbers of ``text`` in their order; only the ``\boxed{}`` ones where there is a box."""
    for part in boxed(text) or [text]:
        plain = _rewritten(part)
        for chunk in _CHUNK.finditer(plain):
            yield from _numbers_of(plain, chunk, decimal_comma=decimal_comma)


def boxed(text: str) -> list[str]:
    r"""What stands in each ``\boxed{...}`` of a LaTeX text."""
    found: list[str] = []
    opened: list[int | None] = []  # per open brace, where its box's content begins
    outer = 0  # boxes among them; a box within a box is part of that one
    for match in _BRACE.finditer(text):
        if match["box"]:
            opened.append(match.end())
            outer += 1
        elif match.group() == "{":
            opened.append(None)
        elif match.group() == "}" and opened and (start := opened.pop()) is not None:
            outer -= 1
            if not outer:
                found.append(text[start : match.start()])
    return found


def _numbers_of(text: str, chunk: re.Match[str], *, decimal_comma: bool) -> Iterator[Number]:
    """None, one, or several where the chunk is a list without spaces, such as 1,2,3."""
    written = chunk.group()
    if len(written) > _LONGEST_CHUNK:  # no number anyone means, and patterns backtrack over it
        if written[0] in "0123456789.":
            yield Number(written[:_LONGEST_CHUNK], None)
        return
    sign = _sign_before(text, chunk.start())
    percent = _PERCENT.match(text, chunk.end()) is not None
    grammar = _NUMBER["," if decimal_comma else "."]
    if whole := grammar.fullmatch(written):
        yield _number(sign, whole, percent=percent)
    elif ratio := _RATIO.fullmatch(written):
        yield Number(sign + written, _ratio(sign, ratio), percent)
    elif _LIST.search(written) and not decimal_comma:
        pieces = _LIST.split(written)
        for place, piece in enumerate(pieces):
            if item := grammar.fullmatch(piece):
                last = place == len(pieces) - 1
                yield _number("" if place else sign, item, percent=percent and last)


def _sign_before(text: str, start: int) -> str:
    place = start
    if place and text[place - 1] in _CURRENCY:
        place -= 1
    elif place > 1 and text[place - 1] in "+-" and text[place - 2] in _CURRENCY:
        return text[place - 1]  # $-5
    if not place or text[place - 1] not in "+-":
        return ""
    if place > 1 and _NO_SIGN_AFTER.match(text[place - 2]):
        return ""
    return text[place - 1]


def _number(sign: str, match: re.Match[str], *, percent: bool) -> Number:
    text = sign + match.group()[: match.start("unit") - match.start()]
    whole = "".join(digit for digit in match["whole"] or "" if "0" <= digit <= "9")
    part, exponent = match["part"] or "", (match["exponent"] or "0")
    too_long = len(whole) + len(part) > _MOST_DIGITS or len(exponent) > len("-1000")
    if too_long or abs(int(exponent)) > _LARGEST_EXPONENT:
        return Number(text, None, percent)
    return Number(text, Fraction(f"{sign}{whole or 0}.{part or 0}e{exponent}"), percent)


def _ratio(sign: str, match: re.Match[str]) -> Fraction | None:
    if len(match.group()) > _MOST_DIGITS:
        return None
    above, below = Fraction(match.group(1)), Fraction(match.group(2))
    return (-1 if sign == "-" else 1) * above / below if below else None


def _rewritten(text: str) -> str:
    text = text.translate(_PLAIN_FORMS).replace("\\%", "%").replace("\\$", "$")
    text = _LATEX_COMMA.sub(",", text)
    text = _LATEX_RATIO.sub(lambda match: f"{_gap(match)}{match[1]}/{match[2]}", text)
    text = _VULGAR.sub(_vulgar, text)
    text = _SUPERSCRIPT.sub(lambda match: "^" + match.group().translate(_FROM_SUPERSCRIPT), text)
    text = _SCIENTIFIC.sub(lambda match: f"e{match[1] or match[2]}", text)
    text = _POWER.sub(lambda match: f"1e{match[2] or match[3]}", text)
    return _MIXED.sub(_improper, text)


def _vulgar(match: re.Match[str]) -> str:
    value = Fraction(unicodedata.numeric(match.group())).limit_denominator(10)
    return f"{_gap(match)}{value.numerator}/{value.denominator}"


def _gap(match: re.Match[str]) -> str:
    """A space after a digit, so that 2½ becomes the mixed number 2 1/2 and not 21/2."""
    before = match.string[match.start() - 1 : match.start()]
    return " " if before.isdigit() else ""


def _improper(match: re.Match[str]) -> str:
    whole, above, below = (int(digits) for digits in match.groups())
    return f"{whole * below + above}/{below}" if above < below else match.group()
