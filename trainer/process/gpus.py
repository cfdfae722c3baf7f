"""Keeps the GPUs for the processes that train.

The process that runs the pipeline imports TensorFlow too: for TFX, Transform, the Evaluator and the Predictor. It would
take every GPU, and hold its memory while the training processes that it starts want it. So GPUs are hidden from it, by
CUDA_VISIBLE_DEVICES, from before TensorFlow is imported; what the variable said stays in another, for those that train.
"""

from __future__ import annotations

from collections.abc import Mapping

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What VISIBLE was before; empty where it was not set.
KEPT = "LIMBECK_CUDA_VISIBLE_DEVICES"
_NONE = "-1"


def hidden(inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that must take no GPU; what hides them already is left as it is."""
    if KEPT in inherited:
        return dict(inherited)
    # Set to nothing it hides all, too.
    kept = (inherited[VISIBLE] or _NONE) if VISIBLE in inherited else ""
    return {**inherited, VISIBLE: _NONE, KEPT: kept}


def shown(inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that trains, from those of one from which GPUs may be hidden."""
    if KEPT not in inherited:
        return dict(inherited)
    variables = {name: value for name, value in inherited.items() if name not in (KEPT, VISIBLE)}
    return variables | ({VISIBLE: inherited[KEPT]} if inherited[KEPT] else {})
