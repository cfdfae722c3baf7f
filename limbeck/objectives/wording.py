"""The words of the report about an objective. The report needs them, because it is made without the task."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class Wording:
    """Words and figures of one objective, for the page and for the advice.

    Attributes:
      pseudo_labels: what the teachers' pseudo-labels are, such as `the teachers' most probable classes`.
      soft_targets: what soft targets hold beyond them, such as `soft probabilities`.
      tempered: whether `distillation.temperature` changes the loss of soft targets. If not, no advice names it.
      far_behind: how far behind its teacher a student may be on a slice, beyond its distance on the whole, before the
        advice names the slice; in the unit of the measure. None takes `gate.tolerance`.
      needed: what the test split must hold for the measure to be defined.
    """

    pseudo_labels: str = "the teachers' answers"
    soft_targets: str = "soft targets"
    tempered: bool = False
    far_behind: float | None = None
    needed: str = "labels"
