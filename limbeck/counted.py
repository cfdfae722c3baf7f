"""Writes a number with its noun, in the singular or the plural, in the same way in all messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Returns a count in words: `1 step`, `2,000 steps`.

    Args:
      number: the number.
      noun: the noun, in the singular. Its plural must end in s.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
