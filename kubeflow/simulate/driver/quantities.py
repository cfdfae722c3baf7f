"""Quantities of Kubernetes, in the form in which its API writes them: 1.5G is 1500M, half a core 500m."""

from __future__ import annotations

import re
from decimal import Decimal

from limbeck.kubeflow.simulate.driver.options import DriverError

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_QUANTITY = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:([eE][-+]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$")


def canonical(text: str) -> str:
    """Returns the canonical form. Raises DriverError if the text is not a quantity."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise DriverError(f"{text!r} is no quantity of Kubernetes, such as 2, 500m, 16Gi or 1.5G")
    number, exponent, suffix = match.groups()
    value = Decimal(number)
    if suffix in _BINARY:
        size = value * Decimal(1024) ** (_BINARY.index(suffix) + 1)
        for power in range(len(_BINARY), 0, -1):
            if size and size % Decimal(1024) ** power == 0:
                return f"{int(size // Decimal(1024) ** power)}{_BINARY[power - 1]}"
        if size == size.to_integral_value():
            return str(int(size))
        return _decimal(size)
    return _decimal(value.scaleb(int(exponent[1:]) if exponent else _DECIMAL[suffix or ""]))


def _decimal(value: Decimal) -> str:
    """Returns the number with the largest suffix for which it is whole."""
    for suffix, power in sorted(_DECIMAL.items(), key=lambda each: -each[1]):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value() and (value or not suffix):
            return f"{int(scaled)}{suffix}"
    return f"{int(value.scaleb(9).to_integral_value(rounding='ROUND_CEILING'))}n"
