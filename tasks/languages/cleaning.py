"""Makes sentences of messages: takes away what programs and browsers put in, and counts the letters that are left.

A placeholder, a tag or an address is the same in every language. A model that sees it learns which message it reads,
and not which language.
"""

from __future__ import annotations

import re
import unicodedata

_NOT_LANGUAGE = re.compile(
    "|".join(
        (
            r"<[^<>]*>",  # a tag
            r"&#?\w+;",  # an entity
            r"https?://\S+",
            r"\S+@\S+\.\S+",
            r"\{\{.*?\}\}|\{%.*?%\}",  # django's templates
            r"\{[^{}]*\}",  # str.format
            # The % operator. Some translations have a space before the bracket, or translated the name.
            r"%\s?\([^()]*\)\s?[-#0 +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]?",
            r"%[-#0+]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![^\W\d_])",
            r"`[^`]*`",  # code
        )
    ),
    re.DOTALL,
)


# Marks that no reader sees: zero-width spaces and signs of direction. Joiners stay: they are part of how Persian and
# Indian languages are spelt.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Returns a text without placeholders, tags, entities, addresses, code and unseen marks, in Unicode's form NFC.

    Runs of white space become one space, and there is none at the ends.
    """
    return " ".join(_NOT_LANGUAGE.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", text))).split())


def letters(text: str) -> int:
    """Returns how many letters and vowel signs a text has. A wide one, such as a Chinese character, counts twice."""
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
        if unicodedata.category(one)[0] in "LM"
    )
