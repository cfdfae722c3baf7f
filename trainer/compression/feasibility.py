"""Tries a recipe on an untrained student, so that a student that cannot be compressed is refused before any training.

Compressor is one of the last nodes, after hours of training. But whether a student can be compressed depends only on
its layers: which layers can be wrapped, and which of their operators LiteRT has. So the recipe is applied here without
its training, to a temporary student with new weights. This takes some seconds.

Training code refers to this module by name and does not import it. Otherwise an edit of a technique would train the
teachers again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck import task_code
from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError, TaskError
from limbeck.settings.compression import CompressionConfig, Making
from limbeck.trainer.compression import litert, recipes, representative
from limbeck.trainer.compression.litert import Example
from limbeck.trainer.compression.technique import REMEDY
from limbeck.trainer.serving import compressed
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session

_EXAMPLES = 8
# Training may make a file smaller by at most this factor. Recipes differ in operators, not in the number of weights.
_MARGIN = 1.25


def check(session: Session) -> None:
    """Tries the `planned_compression` of the job on its student, or on the planned student of a job of teachers.

    Raises:
      TaskError: if the student cannot be compressed. The message names the layer, the operator or the input, and what
        to do.
      ConfigError: if no file can be as small as `compression.max_bytes` asks.
    """
    job = session.job
    if job.planned_compression is None:
        return
    student = job.planned() or job
    # Nothing but the inputs of the examples is read.
    student = student.of_another("student", student.hyperparameters)
    assert_compressible(dataclasses.replace(session, job=student), job.planned_compression)


def assert_compressible(session: Session, config: CompressionConfig) -> None:
    """Raises TaskError if the recipe cannot compress the student of a job; for `auto`, if no recipe can.

    Raises ConfigError if no file of `auto` can be as small as the settings ask.
    """
    model = build_model(session)
    names = representative.taken(session, model)
    specs = compressed.input_specs(session.transform, names, session.who)
    examples = representative.examples(session, names, min(_EXAMPLES, config.representative))
    refusals, sizes = [], []
    for recipe in _rehearsed(config):
        try:
            sizes.append(_try(model, config.of(recipe), specs, examples, session.who))
        except TaskError as error:
            refusals.append(error)
        # If there is no limit on the size, one recipe of `auto` is enough.
        if sizes and config.max_bytes is None:
            return
    if not sizes:
        raise refusals[0]
    if config.max_bytes is not None and config.size == "file" and min(sizes) > _MARGIN * config.max_bytes:
        raise ConfigError(
            f"compression.max_bytes={config.max_bytes:,} is too little for {session.who}: the smallest file of "
            f"{', '.join(_rehearsed(config))} has {min(sizes):,} bytes, and further training hardly changes it. "
            "Set a larger one, or build a smaller student"
        )


def _rehearsed(config: CompressionConfig) -> list[Making]:
    """Returns the recipes to try. For `auto`, these are the recipes without training, or all if there are none."""
    if config.recipe == "none":
        return []
    if config.recipe != "auto":
        return [config.recipe]
    cheap = [one for one in config.candidates if not recipes.RECIPES[one].techniques]
    return cheap or list(config.candidates)


def _try(
    model: KerasModel, config: CompressionConfig, specs: Mapping[str, Any], examples: Sequence[Example], who: str
) -> int:
    """Carries out one recipe without its training. Returns the bytes of the file."""
    stages = recipes.stages(config, 1, who)
    for technique, stage in stages:
        technique.check(model, stage)
    refusal = f"{who} cannot be compressed by recipe '{config.recipe}': build it from other layers, or {REMEDY}"
    for technique, stage in stages:
        with task_code.guarded(refusal):
            model = technique.strip(technique.wrap(model, stage), stage)
    return len(litert.convert(model, specs, recipes.RECIPES[config.recipe].storage_of(config), examples, who))
