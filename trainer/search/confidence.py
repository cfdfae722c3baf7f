"""Calibrates a student before its loss is compared, because confidence alone is not knowledge.

The loss of an answer depends on which class is most probable, and on how sure the student is. Soft targets always
change how sure it is: a student that learns from them at another temperature is surer or less sure of everything. Then
its loss differs from that of labels alone on nearly every example. So the difference is significant even if both give
the same answers, and it says nothing about answers to other examples.

Here the logits of each student are multiplied by the one number that makes its loss lowest (temperature scaling: Guo et
al., 2017, arXiv:1706.04599). The remaining loss depends only on the order of the answers. Berta et al. (2025,
arXiv:2501.19195) call it refinement. For each student, the number is chosen on the examples that are judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable

# The largest correction: no student's logits are further from the right scale.
_FURTHEST = math.log(50)
# Each step reduces the range to 62 %.
_STEPS = 30
_GOLDEN = (math.sqrt(5) - 1) / 2


def best_scale(loss: Callable[[float], float]) -> float:
    """Returns the positive number by which logits are multiplied so that their loss is lowest.

    The log loss of scaled logits is convex in the scale, so a golden-section search over the logarithm of the scale
    finds it. The number is between 1 / 50 and 50, because if every answer is right, a larger number is always better.

    Args:
      loss: the mean loss of the logits times a number.
    """
    low, high = -_FURTHEST, _FURTHEST
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    below, above = loss(math.exp(left)), loss(math.exp(right))
    for _ in range(_STEPS):
        if below <= above:
            high, right, above = right, left, below
            left = high - _GOLDEN * (high - low)
            below = loss(math.exp(left))
        else:
            low, left, below = left, right, above
            right = low + _GOLDEN * (high - low)
            above = loss(math.exp(right))
    return math.exp((low + high) / 2)
