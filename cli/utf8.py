"""Refuses names that are not text in UTF-8. JSON, TensorFlow and TFX take no such name, and say so late."""

from __future__ import annotations

import os

from limbeck.errors import ConfigError


def assert_utf8(text: str, what: str, remedy: str) -> None:
    """Raises ConfigError if a text of the system, such as a path, has bytes that are not UTF-8.

    Args:
      text: the text, in which Python keeps such bytes as surrogates.
      what: what must be text, for the message.
      remedy: what to do, for the message.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{what} must be text in UTF-8; received {os.fsencode(text)!r}: {remedy}") from None
