"""Amounts and lengths of time in settings, spelt as Kubernetes does: half a CPU is 500m, memory is 4Gi, a day is 24h.

A bare number is a trap: to Kubernetes, `memory: 4` is four bytes, and `timeout: 6` could be anything. So both need a
unit. A CPU needs none, because there is only one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

_CPU = re.compile(r"(\d+)m|(\d+(?:\.\d{1,3})?)")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)")
_BYTES = {
    **{letter: 1000**power for power, letter in enumerate("kMGT", start=1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGT", start=1)},
}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86400, 3600, 60, 1)


def cores(text: str) -> Decimal:
    """The number of CPUs. Raises ValueError for what is no amount of CPU."""
    match = _CPU.fullmatch(text)
    if match is None:
        raise ValueError(text)
    thousandths, whole = match.groups()
    return Decimal(thousandths) / 1000 if thousandths else Decimal(whole)


def size(text: str) -> Decimal:
    """The number of bytes. Raises ValueError for what is no amount of memory."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Decimal(match[1]) * _BYTES[match[2]]


def seconds(text: str) -> int:
    """The length of time in seconds. Raises ValueError for what is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return sum(int(part) * each for part, each in zip(match.groups(default="0"), _SECONDS, strict=True))


def _positive(parse: Callable[[str], Decimal | int], rule: str) -> AfterValidator:
    """Refuses what `parse` refuses, and zero."""

    def check(text: str) -> str:
        try:
            if parse(text) > 0:
                return text
        except ValueError:
            pass
        raise PydanticCustomError("quantity", "{rule}", {"rule": rule})

    return AfterValidator(check)


def _as_text(value: Any) -> Any:
    # YAML reads `cpu: 2` as a number.
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Cpu = Annotated[
    str, _positive(cores, "Input should be an amount of CPU such as 2, 0.5 or 500m"), BeforeValidator(_as_text)
]
Memory = Annotated[
    str,
    _positive(size, "Input should be an amount of memory with its unit, such as 512Mi, 4Gi or 1.5G"),
    BeforeValidator(_as_text),
]
Duration = Annotated[
    str,
    _positive(seconds, "Input should be a length of time with its unit, such as 90s, 30m, 1h30m or 2d"),
    BeforeValidator(_as_text),
]
