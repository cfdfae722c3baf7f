"""`SavedTeacher`: declares how to call a SavedModel that another program exported, and what its answers mean.

A SavedModel of ours has a signature for the pipeline. Any other names its signatures, inputs and outputs as it likes,
and does not say whether a number between 0 and 1 is a probability. Guessing wrong would not fail: the student would
learn the softmax of probabilities, which are nearly the same for every class. So the user declares it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT

Answers = Literal["logits", "probabilities"]
Takes = Literal["raw", "transformed"]


@dataclass(frozen=True, config=STRICT)
class SavedTeacher:
    """What is called in a SavedModel, and what it answers.

    Probabilities are turned back into logits by their logarithm. That loses precision. The largest float32 below 1 is
    1 - 2^-24, so if a model returns the probability p of one of two classes, 1 - p is only known to about 6e-8: a logit
    of 10 comes back within about 0.001, one of 14 within 0.05, and one above 16.6 cannot be told from any larger one. A
    small p keeps its precision, and so do small probabilities of several classes; only those that became 0 are lost.
    What is lost matters more at a high temperature. If the model can return logits, name that output instead.

    Attributes:
      answers: `logits`, which also stands for the numbers of a regression; or `probabilities`, one for each class or
        answer. For a yes or no, one of yes `[batch]` or `[batch, 1]` will do, and so will no and yes `[batch, 2]`.
      signature: name of the signature.
      output: name of the signature's output.
      takes: the features that the signature takes. `raw`: raw features, either as serialized tf.Examples or as one
        tensor for each feature. `transformed`: outputs of the transform graph, as one tensor for each feature.
      epsilon: the least probability; a smaller one counts as this one. None is what float32 can tell: 2^-126 for a
        probability, 2^-24 for the complement of one.
    """

    answers: Answers
    signature: str = "serving_default"
    output: str = "outputs"
    takes: Takes = "raw"
    epsilon: Annotated[float, Field(gt=0, lt=0.5)] | None = None
