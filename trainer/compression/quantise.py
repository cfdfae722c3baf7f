"""Quantisation-aware training: the student is trained with the rounding errors that int8 will make.

Jacob et al. (2018), "Quantization and training of neural networks for efficient integer-arithmetic-only inference"
(arXiv:1712.05877). The forward pass rounds weights and activations as int8 does; the gradient ignores the rounding. The
ranges of activations are moving averages, so the converter needs no representative examples for the layers that were
annotated. The other layers are quantised after the training, with representative examples.

Plain quantisation-aware training moves weights that were pruned away from 0. The schemes of collaborative optimization
keep zeros (PQAT), equal weights (CQAT) or both (PCQAT).
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import KerasModel, Layer
from limbeck.trainer.compression import technique
from limbeck.trainer.compression.technique import Stage

_weighted = technique.is_one_of("Dense", "Conv2D", "DepthwiseConv2D")


def check(model: KerasModel, stage: Stage) -> None:
    """Raises TaskError if no kernel can be trained with quantisation."""
    technique.assert_wrappable(model, _weighted, "be trained with quantisation", stage.who)


def wrap(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns a copy that rounds as int8 does."""
    from tensorflow_model_optimization.quantization import keras as quantization

    annotated = technique.wrapped(model, quantization.quantize_annotate_layer, quantisable, stage.who)
    with quantization.quantize_scope():
        return quantization.quantize_apply(annotated, _scheme(stage))


def strip(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns the model with its rounding, which the converter reads; without the centroids of CQAT."""
    if not stage.clustered:
        return model
    from tensorflow_model_optimization.clustering import keras as clustering

    return clustering.strip_clustering(model)


def remark(model: KerasModel, stage: Stage) -> str:
    """Returns a sentence on which layers were quantised during training, and which after it."""
    kept = [word for word, wanted in (("zeros", stage.pruned), ("equal weights", stage.clustered)) if wanted]
    keeping = f" It kept {' and '.join(kept)}." if kept else ""
    names = [
        f"{layer.name} ({type(layer).__name__})"
        for layer in model.layers
        if layer.weights and not quantisable(layer)
    ]
    after = f" These layers were quantised after the training: {', '.join(names)}." if names else ""
    return f"Quantisation-aware training: the student was trained with the rounding of int8.{keeping}{after}"


def quantisable(layer: Layer) -> bool:
    """Returns whether tensorflow-model-optimization has a way to quantise a layer in training."""
    return bool(_registry().supports(layer))


def _registry() -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry,
    )

    return default_8bit_quantize_registry.Default8BitQuantizeRegistry()


def _scheme(stage: Stage) -> Any:
    from tensorflow_model_optimization.python.core.api.experimental import combine
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_scheme,
    )

    if stage.clustered:
        return combine.Default8BitClusterPreserveQuantizeScheme(stage.pruned)
    if stage.pruned:
        return combine.Default8BitPrunePreserveQuantizeScheme()
    return default_8bit_quantize_scheme.Default8BitQuantizeScheme()
