"""A chart's SVG text becomes an element of the page: inert, themed, and free of inline styles.

The page's policy allows no ``style`` attribute and no second ``<style>`` element, so styles turn
into presentation attributes. What is not on the two lists below does not come through.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from stepeval.report.text import clean

_ELEMENTS = frozenset(
    {"svg", "g", "defs", "clipPath", "path", "rect", "circle", "line", "use", "text", "tspan"}
)
_STYLES = frozenset(
    {
        "clip-path",
        "fill",
        "fill-opacity",
        "fill-rule",
        "font-size",
        "font-style",
        "font-weight",
        "opacity",
        "stroke",
        "stroke-dasharray",
        "stroke-dashoffset",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "text-anchor",
    }
)
_ATTRIBUTES = _STYLES | frozenset(
    {
        "clipPathUnits",
        "cx",
        "cy",
        "d",
        "height",
        "href",
        "id",
        "points",
        "r",
        "transform",
        "viewBox",
        "width",
        "x",
        "x1",
        "x2",
        "y",
        "y1",
        "y2",
    }
)
_LOCAL_URL = re.compile(r"url\(\s*['\"]?#([^'\")]+)['\"]?\s*\)")
_REFERENCE = re.compile(r"#([\w.:-]+)")


@dataclass(frozen=True, slots=True)
class Dressing:
    """What an SVG needs to live in the page.

    ``prefix``, which holds no hyphen, makes its ids unique. ``colours`` maps the stand-in colours
    a chart was drawn with (``#rrggbb``) to the names of the page's colours; ``texts`` maps
    stand-in texts to real ones.
    """

    prefix: str
    title: str
    description: str
    colours: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def inline(svg: str, dressing: Dressing) -> str:
    """The ``<svg>`` element as HTML, labelled by its title and description.

    A colour named ``ink`` becomes the class ``f-ink`` where it fills and ``k-ink`` where it
    strokes. Any reference that leaves the element is dropped.

    Raises:
        xml.etree.ElementTree.ParseError: ``svg`` is no XML.
    """
    source = ET.fromstring(svg)  # noqa: S314 - written by matplotlib a moment ago, with no data in it
    root = ET.Element("svg")
    _copy(source, root, dressing)
    _drop_idle_ids(root, svg)
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    title, description = f"{dressing.prefix}-title", f"{dressing.prefix}-desc"
    root.attrib |= {
        "role": "img",
        "aria-labelledby": f"{title} {description}",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    root.insert(0, _labelled("desc", description, dressing.description))
    root.insert(0, _labelled("title", title, dressing.title))
    return ET.tostring(root, encoding="unicode")


def declarations(style: str) -> Iterator[tuple[str, str]]:
    """The ``name: value`` pairs of a style attribute, in order.

    A semicolon within quotes or parentheses belongs to the value.
    """
    for part in _split(style, ";"):
        name, colon, value = part.partition(":")
        if colon and value.strip():
            yield name.strip().lower(), value.strip()


def presentation(style: str) -> dict[str, str]:
    """A style attribute as presentation attributes; the page chooses the font's family."""
    found: dict[str, str] = {}
    for name, value in declarations(style):
        if name == "font":
            found |= _font(value)
        elif name in _STYLES:
            found[name] = value
    return found


def _copy(source: ET.Element, target: ET.Element, dressing: Dressing) -> None:
    target.attrib |= _attributes(source, dressing)
    if target.tag in {"text", "tspan"} and source.text:
        target.text = clean(dressing.texts.get(source.text, source.text))
    for child in source:
        tag = _local(child.tag)
        if tag in _ELEMENTS:
            _copy(child, ET.SubElement(target, tag), dressing)


def _attributes(source: ET.Element, dressing: Dressing) -> dict[str, str]:
    plain = {_local(name): value for name, value in source.attrib.items()}
    plain |= presentation(plain.pop("style", ""))
    kept: dict[str, str] = {}
    classes = []
    for name, value in plain.items():
        colour = dressing.colours.get(value.lower()) if name in {"fill", "stroke"} else None
        if colour is not None:
            classes.append(f"{'f' if name == 'fill' else 'k'}-{colour}")
        elif name in _ATTRIBUTES:
            local = _own_reference(name, value, dressing.prefix)
            if local is not None:
                kept[name] = local
    if classes:
        kept["class"] = " ".join(classes)
    return kept


def _drop_idle_ids(root: ET.Element, source: str) -> None:
    """Every group comes with a name; only what is referred to needs it."""
    used = set(_REFERENCE.findall(source))
    for element in root.iter():
        if element.get("id", "").partition("-")[2] not in used:
            element.attrib.pop("id", None)


def _own_reference(name: str, value: str, prefix: str) -> str | None:
    """The value with its ids renamed; None where it refers to something outside."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href":
        return f"#{prefix}-{value[1:]}" if value.startswith("#") else None
    if "url(" in value.lower():
        local = _LOCAL_URL.fullmatch(value)
        return f"url(#{prefix}-{local[1]})" if local else None
    return value


def _font(shorthand: str) -> dict[str, str]:
    """``font: italic 600 11px/1.2 'DejaVu Sans'``: what stands before the size, and the size."""
    found: dict[str, str] = {}
    for word in shorthand.split():
        if word[0].isdigit() and not word.isdigit():
            return found | {"font-size": word.partition("/")[0]}
        if word in {"italic", "oblique"}:
            found["font-style"] = word
        elif word.isdigit() or word in {"bold", "bolder", "lighter"}:
            found["font-weight"] = word
    return found


def _split(text: str, separator: str) -> Iterator[str]:
    start, depth, quote = 0, 0, ""
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char == separator and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _labelled(tag: str, element_id: str, text: str) -> ET.Element:
    element = ET.Element(tag, {"id": element_id})
    element.text = clean(text)
    return element


def _local(name: str) -> str:
    return name.rpartition("}")[2]
