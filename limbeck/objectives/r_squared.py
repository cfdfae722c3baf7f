"""R², the coefficient of determination: the share of the labels' variance that a model explains.

1 is a model without an error, 0 one that is as good as the mean of the labels, and a worse one is below 0. A mean
squared error has the squared unit of the label, so nobody can say without the data whether 3,000 is good, or what
tolerance a gate should have. R² says the same without a unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limbeck.objectives.statistic import Counted, Statistic

if TYPE_CHECKING:
    from limbeck.objectives.statistic import Array


class RSquared(Statistic):
    """1 - mean squared error / variance of the labels, of a single output. It is NaN if all labels are equal."""

    def value(self, outputs: Array, labels: Any) -> float:
        """Returns R², at most 1."""
        import numpy as np

        errors, labels = _squared_errors(outputs, labels), np.asarray(labels, np.float64)
        variance = labels.var()
        return float(1 - errors.mean() / variance) if variance > 0 else float("nan")

    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns R² as a function of counts; `labels` are `[examples]`."""
        import numpy as np

        errors, centred = _squared_errors(outputs, labels), np.asarray(labels, np.float64)
        # R² does not change if the same number is added to all labels, and small numbers have more digits.
        centred = centred - centred.mean()
        distinct = np.unique(labels, return_inverse=True)[1]

        def r_squared(counts: Array) -> Array:
            examples = counts.sum(axis=1)
            variance = counts @ np.square(centred) / examples - np.square(counts @ centred / examples)
            # Of equal labels, rounding would leave a tiny variance.
            several = _spread(counts, distinct)
            unexplained = np.divide(
                counts @ errors / examples,
                variance,
                out=np.full(len(counts), np.nan),
                where=several & (variance > 0),
            )
            return np.asarray(1 - unexplained, np.float64)

        return r_squared

    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns the influence of each example; zeros if R² is NaN."""
        import numpy as np

        errors, labels = _squared_errors(outputs, labels), np.asarray(labels, np.float64)
        variance, error = labels.var(), errors.mean()
        if variance == 0:
            return np.zeros(len(labels))
        spread = np.square(labels - labels.mean()) - variance
        return np.asarray(error / variance**2 * spread - (errors - error) / variance)


def _squared_errors(outputs: Array, labels: Any) -> Array:
    import numpy as np

    return np.asarray(np.square(outputs[:, 0] - labels))


def _spread(counts: Array, distinct: Any) -> Any:
    """Returns of each draw whether it holds two different labels; `distinct` numbers the labels, `[examples]`."""
    import numpy as np

    drawn = counts > 0
    highest = np.where(drawn, distinct, -1).max(axis=1)
    lowest = np.where(drawn, distinct, len(distinct)).min(axis=1)
    return highest > lowest
