"""SVG that is made of elements, never of pieces of text. So no name can break out of its text."""

from __future__ import annotations

import dataclasses
import unicodedata
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

FONT = 11.0
LINE = 14.0
_LONGEST = 26
# Upper estimates of a character's width, as shares of the font size: the reader's font is not known.
_NARROW, _WIDE, _FULL = 0.64, 0.98, 1.3


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Returns whether the two share an area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Returns whether this box lies in the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


def picture(name: str, box: Box, title: str, description: str, shape: str = "chart") -> Element:
    """Returns an `<svg>` with a title and a description.

    Args:
      name: unique in the page, of letters, digits and hyphens; ids derive from it.
      box: the area that is shown.
      title: what a screen reader says first.
      description: what the picture shows, in words.
      shape: CSS class.
    """
    width, height = box.right - box.left, box.bottom - box.top
    root = Element(
        "svg",
        {
            "class": shape,
            "viewBox": f"{box.left:g} {box.top:g} {width:g} {height:g}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-description",
        },
    )
    add(root, "title", title, id=f"{name}-title")
    add(root, "desc", description, id=f"{name}-description")
    return root


def add(parent: Element, tag: str, text: str | None = None, **attributes: str | float) -> Element:
    """Adds an element. In attributes' names, `_` stands for a hyphen, and `shape` for `class`."""
    plain = {_attribute(name): _figure(value) for name, value in attributes.items()}
    element = SubElement(parent, tag, plain)
    element.text = text
    return element


def markup(element: Element) -> Markup:
    """Returns the element as text for a page."""
    return Markup(tostring(element, encoding="unicode"))  # noqa: S704, the serializer escapes


def width(text: str, font: float = FONT) -> float:
    """Returns an upper estimate of the width of a text."""
    return font * sum(map(_share, text))


def shorten(text: str, longest: int = _LONGEST) -> str:
    """Returns the text, cut to `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _share(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return _FULL
    return _WIDE if character.isupper() or character in "mw@%—…" else _NARROW


def _attribute(name: str) -> str:
    return {"shape": "class", "viewBox": "viewBox"}.get(name, name.replace("_", "-"))


def _figure(value: str | float) -> str:
    # Hundredths of a unit are less than a pixel, and 17 digits are more than a page needs.
    return value if isinstance(value, str) else f"{round(value, 2) + 0.0:g}"
