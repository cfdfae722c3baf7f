"""Keeps the GPUs free for the processes that train.

The process that runs the pipeline imports TensorFlow too: for TFX, Transform, the Evaluator and the Predictor. It would
take every GPU, and hold its memory while the training processes that it starts need it. So GPUs are hidden from it by
CUDA_VISIBLE_DEVICES, before TensorFlow is imported. Another variable keeps the old value for the training processes.
"""

from __future__ import annotations

from collections.abc import Mapping

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Keeps the value that VISIBLE had before; empty if it was not set.
KEPT = "LIMBECK_CUDA_VISIBLE_DEVICES"
_NONE = "-1"


def hidden(inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a process that must take no GPU. If GPUs are hidden already, nothing changes."""
    if KEPT in inherited:
        return dict(inherited)
    # An empty value hides all GPUs too.
    kept = (inherited[VISIBLE] or _NONE) if VISIBLE in inherited else ""
    return {**inherited, VISIBLE: _NONE, KEPT: kept}


def shown(inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a process that trains: the inherited variables, with hidden GPUs visible again."""
    if KEPT not in inherited:
        return dict(inherited)
    variables = {name: value for name, value in inherited.items() if name not in (KEPT, VISIBLE)}
    return variables | ({VISIBLE: inherited[KEPT]} if inherited[KEPT] else {})
