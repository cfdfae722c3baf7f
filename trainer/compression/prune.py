"""Magnitude pruning: the smallest weights of each kernel become 0, while the others are trained further.

Zhu and Gupta (2017), "To prune, or not to prune" (arXiv:1710.01878): the share of zeros rises by a polynomial of the
step, so that the remaining weights can take over. The pattern 2 of 4 (Mishra et al., 2021, arXiv:2104.08378) sets two
of four neighbours along the input to 0, which hardware can make use of.

A pruned file is not smaller by itself, because a zero takes as much space as another number, but gzip compresses zeros
well.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import KerasModel
from limbeck.trainer.compression import technique
from limbeck.trainer.compression.technique import Stage

prunable = technique.is_one_of(
    *("Dense", "Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "SeparableConv2D", "Embedding")
)
_UPDATES = 50


def check(model: KerasModel, stage: Stage) -> None:
    """Raises TaskError if no kernel can be pruned."""
    technique.assert_wrappable(model, prunable, "be pruned", stage.who)


def wrap(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns a copy whose kernels are masked more and more from step to step."""
    from tensorflow_model_optimization.sparsity import keras as sparsity

    pattern = {"sparsity_m_by_n": (2, 4)} if stage.config.pattern == "two_of_four" else {}
    schedule = _schedule(stage)
    masked = technique.wrapped(
        model,
        lambda layer: sparsity.prune_low_magnitude(layer, pruning_schedule=schedule, **pattern),
        prunable,
        stage.who,
    )
    for layer in _masked_layers(masked):
        # The callback of tensorflow-model-optimization sets it at the beginning of `fit`. Then the wrapper itself
        # counts on.
        layer.pruning_step.assign(0)
    return masked


def strip(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns the model without masks. The last update came after the last mask, so the weights are masked again."""
    from tensorflow_model_optimization.sparsity import keras as sparsity

    for layer in _masked_layers(model):
        layer.pruning_obj.weight_mask_op()
    return sparsity.strip_pruning(model)


def remark(model: KerasModel, stage: Stage) -> str:
    """Returns a sentence on which layers were pruned, and how much."""
    config = stage.config
    how = (
        "two of four neighbouring weights are 0"
        if config.pattern == "two_of_four"
        else f"{config.sparsity:.0%} of the weights of each kernel are 0 ({config.schedule} schedule)"
    )
    return f"Pruning: {how}.{technique.left(model, prunable)}"


def _schedule(stage: Stage) -> Any:
    """Returns the share of zeros at each step. The mask changes about 50 times, and the last third trains with it."""
    from tensorflow_model_optimization.sparsity import keras as sparsity

    config, frequency = stage.config, max(1, stage.steps // _UPDATES)
    if config.pattern == "two_of_four":
        return sparsity.ConstantSparsity(0.5, 0, frequency=frequency)
    if config.schedule == "constant":
        return sparsity.ConstantSparsity(config.sparsity, 0, frequency=frequency)
    # If the last step were not a multiple of the frequency, the full share would never be reached.
    end = frequency * max(1, 2 * stage.steps // 3 // frequency)
    return sparsity.PolynomialDecay(0.0, config.sparsity, 0, end, frequency=frequency)


def _masked_layers(model: KerasModel) -> list[Any]:
    return [layer for layer in model.layers if hasattr(layer, "pruning_obj")]
