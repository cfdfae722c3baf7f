"""Reads a drawn picture back."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element


def read(markup: str) -> Element:
    """The `<svg>`; raises where the markup is not well formed, or the picture does not say what it is."""
    root = ElementTree.fromstring(markup)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    identified = {element.get("id"): element for element in root.iter() if element.get("id")}
    said = [identified[name].text for name in root.attrib["aria-labelledby"].split()]
    assert all(said)
    return root


def of_class(root: Element, name: str) -> list[Element]:
    """The elements that have a class."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


def number(element: Element, *names: str) -> tuple[float, ...]:
    """Attributes as numbers."""
    return tuple(float(element.attrib[name]) for name in names)


def texts(root: Element) -> list[str]:
    """What is written."""
    return [element.text or "" for element in root.iter("text")]
