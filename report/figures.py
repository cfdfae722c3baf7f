"""Formats figures as people write them. An undefined figure is called `undefined`."""

from __future__ import annotations

from limbeck.counted import counted
from limbeck.objectives.measure import Measure
from limbeck.report.verdicts import Interval

_SPACE = "\u00a0"
_MINUS = "\u2212"
UNDEFINED = "undefined"
_MINUTE, _HOUR = 60, 3600
_LEAST_P = 0.001
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def percent(fraction: float | None, digits: int = 1) -> str:
    """Formats a fraction: 0.9375 → `93.8 %`."""
    return UNDEFINED if fraction is None else f"{_signed(100 * fraction, digits, '')}{_SPACE}%"


def points(difference: float | None, digits: int = 1) -> str:
    """Formats a difference of two fractions, with its sign: 0.031 → `+3.1 points`."""
    return UNDEFINED if difference is None else f"{_signed(100 * difference, digits, '+')}{_SPACE}points"


def distance(difference: float) -> str:
    """Formats the size of a difference of two fractions: -0.031 → `3.1 points`."""
    return f"{abs(100 * difference):.1f}{_SPACE}points"


def bare_points(difference: float | None) -> str:
    """As `points`, without the unit."""
    return UNDEFINED if difference is None else _signed(100 * difference, 1, "+")


def measured(value: float | None, measure: Measure, digits: int = 1) -> str:
    """Formats a value of the gate's measure: 0.9375 → `93.8 %`, or `0.9375` if the measure is not a fraction."""
    return percent(value, digits) if measure.unit == "fraction" else _number(value, "")


def measured_difference(difference: float | None, measure: Measure) -> str:
    """Formats a difference of two values of a measure, with its sign: 0.031 → `+3.1 points`, or `+0.031`."""
    return points(difference) if measure.unit == "fraction" else _number(difference, "+")


def bare_difference(difference: float | None, measure: Measure) -> str:
    """As `measured_difference`, without the unit."""
    return bare_points(difference) if measure.unit == "fraction" else _number(difference, "+")


def difference_and_error(difference: float, error: float, measure: Measure) -> str:
    """Formats a difference with its standard error, without the unit: `+1.2 ± 0.4`."""
    return f"{bare_difference(difference, measure)} ± {bare_difference(error, measure).removeprefix('+')}"


def measured_distance(difference: float, measure: Measure) -> str:
    """Formats the size of a difference: -0.031 → `3.1 points`, or `0.031`."""
    return distance(difference) if measure.unit == "fraction" else _number(abs(difference), "")


def difference_range(interval: Interval, measure: Measure) -> str:
    """Formats the ends of an interval of differences: `+1.2 to +8.0`, or `undefined`."""
    if interval.low is None or interval.high is None:
        return UNDEFINED
    return f"{bare_difference(interval.low, measure)} to {bare_difference(interval.high, measure)}"


def nats(loss: float | None) -> str:
    """Formats a loss: 0.25 → `0.2500`."""
    return UNDEFINED if loss is None else f"{loss:.4f}"


def percent_range(interval: Interval) -> str:
    """Formats an interval of fractions: `70 % to 99 %`, or `undefined`."""
    if interval.low is None or interval.high is None:
        return UNDEFINED
    return f"{percent(interval.low, 0)} to {percent(interval.high, 0)}"


def p_value(value: float) -> str:
    """Formats a p-value: `p = 0.012`, or `p < 0.001`: below that, a bootstrap has too few draws to say more."""
    return f"p{_SPACE}<{_SPACE}{_LEAST_P}" if value < _LEAST_P else f"p{_SPACE}={_SPACE}{value:.2g}"


def size(number: float) -> str:
    """Formats bytes: 65432 → `65.4 kB`."""
    for unit, factor in _UNITS:
        if number >= factor:
            return f"{_short(number / factor)}{_SPACE}{unit}"
    return f"{number:g}{_SPACE}B"


def brief_size(number: float) -> str:
    """Formats bytes for an axis: 1e6 → `1 MB`."""
    unit, factor = next(((unit, factor) for unit, factor in _UNITS if number >= factor), ("B", 1.0))
    return f"{number / factor:g}{_SPACE}{unit}"


def milliseconds(value: float) -> str:
    """Formats milliseconds: 0.125 → `0.125 ms`."""
    return f"{value:.3f}{_SPACE}ms"


def brief_milliseconds(value: float) -> str:
    """Formats milliseconds for an axis: 0.1 → `0.1 ms`."""
    return f"{value:g}{_SPACE}ms"


def duration(seconds: float) -> str:
    """Formats seconds: 3.25 → `3.2 s`; 192 → `3 min 12 s`."""
    whole = round(seconds)
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f}{_SPACE}s"
    if whole < _MINUTE:
        return f"{whole}{_SPACE}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}{_SPACE}min{_SPACE}{whole % _MINUTE:02}{_SPACE}s"
    return f"{whole // _HOUR}{_SPACE}h{_SPACE}{whole % _HOUR // _MINUTE:02}{_SPACE}min"


def times(ratio: float) -> str:
    """Formats a ratio: 3.42 → `3.4×`."""
    return f"{_short(ratio, 2)}×"


def plural(number: int, noun: str) -> str:
    """Formats a count: `1 example`, `2,000 examples`."""
    return counted(number, noun).replace(" ", _SPACE, 1)


def count(number: int | None) -> str:
    """Formats a count: 2000 → `2,000`, or `unknown` if an older report does not have it."""
    return "unknown" if number is None else f"{number:,}"


def _short(value: float, digits: int = 3) -> str:
    """Formats with a number of significant digits, but never in powers of ten."""
    whole = len(f"{value:.0f}")
    return f"{value:,.{max(digits - whole, 0)}f}"


def _number(value: float | None, sign: str) -> str:
    """Formats a figure without a unit, with four significant digits."""
    return UNDEFINED if value is None else f"{value + 0.0:{sign if value else ''}.4g}".replace("-", _MINUS)


def _signed(value: float, digits: int, sign: str) -> str:
    # A rounded -0.0 is no difference, so it has no sign.
    rounded = round(value, digits) + 0.0
    text = f"{rounded:{sign if rounded else ''}.{digits}f}"
    return text.replace("-", _MINUS)
