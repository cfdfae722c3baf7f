"""Transformers that read characters: a teacher of four blocks, and a student of two that begins with half of them.

Attention alone learns slowly that neighbours matter, and a language shows in its endings and pairs of letters. So a
block's second half is a convolution and a dense layer, as in FastSpeech's blocks (Ren et al., 2019, arXiv:1905.09263).

A block normalizes before each half (Xiong et al., 2020, arXiv:2002.04745), so it trains without a warm-up. The
student begins with every second block of its teacher, as in DistilBERT (Sanh et al., 2019, arXiv:1910.01108).
"""

from __future__ import annotations

from typing import Any

import tf_keras

from limbeck import Hyperparameters
from limbeck.tasks.languages.convolution import MaskedConvolution
from limbeck.tasks.languages.data import LANGUAGES
from limbeck.tasks.languages.positions import Positions
from limbeck.tasks.languages.preprocessing import LENGTH, VOCABULARY

# How many blocks of the teacher a block of the student stands for.
STRIDE = 2
# A character and its two neighbours.
KERNEL = 3
# The last hidden states, which the cosine of DistilBERT's triple loss compares. Every number of blocks has them.
HINTS = (("last_norm", "last_norm"),)
_OUTSIDE_BLOCKS = ("embedding", "positions", "last_norm", "logits")
_IN_A_BLOCK = ("attention_norm", "attention", "wide_norm", "wide", "narrow")


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """Builds `blocks` (4) blocks.

    Hyperparameters: `blocks`, `width` of a character's vector, and `heads` of attention. Teacher and student need equal
    widths and heads.
    """
    return _transformer(int(hyperparameters.get("blocks", 4)), hyperparameters)


def build_student(hyperparameters: Hyperparameters) -> Any:
    """Builds `blocks` (2) blocks, with the other hyperparameters of the teacher."""
    return _transformer(int(hyperparameters.get("blocks", 2)), hyperparameters)


def initialise_student(student: Any, teacher: Any) -> None:
    """Copies every second block of the teacher, from the first on, and all that is outside of blocks."""
    pairs = [(name, name) for name in _OUTSIDE_BLOCKS]
    for block in range(blocks_of(student)):
        pairs += [(f"{name}_{block}", f"{name}_{STRIDE * block}") for name in _IN_A_BLOCK]
    for mine, its in pairs:
        student.get_layer(mine).set_weights(teacher.get_layer(its).get_weights())


def metrics() -> list[Any]:
    """Whether the language is among the three most probable ones. Near languages are often confused."""
    return [tf_keras.metrics.SparseTopKCategoricalAccuracy(3, name="top_3")]


def blocks_of(model: Any) -> int:
    """Returns how many blocks a model has."""
    return sum(layer.name.startswith("block_") for layer in model.layers)


def _transformer(blocks: int, hyperparameters: Hyperparameters) -> Any:
    width, heads = int(hyperparameters.get("width", 48)), int(hyperparameters.get("heads", 2))
    layers = tf_keras.layers
    characters = tf_keras.Input([LENGTH], dtype="int64", name="characters")
    # Later layers take the mask of the embedding: padding gets no attention, and no part in the mean.
    # Keras begins an embedding near 0. What the first attention adds, a mean over the text, would drown it.
    begin = tf_keras.initializers.RandomNormal(stddev=1.0)
    embedding = layers.Embedding(VOCABULARY, width, begin, mask_zero=True, name="embedding")
    read = Positions(name="positions")(embedding(characters))
    for block in range(blocks):
        normal = layers.LayerNormalization(name=f"attention_norm_{block}")(read)
        seen = layers.MultiHeadAttention(heads, width // heads, name=f"attention_{block}")(normal, normal)
        read = layers.Add(name=f"attended_{block}")([read, seen])
        normal = layers.LayerNormalization(name=f"wide_norm_{block}")(read)
        wide = MaskedConvolution(4 * width, KERNEL, padding="same", activation="relu", name=f"wide_{block}")(
            normal
        )
        narrow = layers.Dense(width, name=f"narrow_{block}")(wide)
        # The hidden state that comes out of the block: float `[batch, LENGTH, width]`.
        read = layers.Add(name=f"block_{block}")([read, narrow])
    normal = layers.LayerNormalization(name="last_norm")(read)
    logits = layers.Dense(len(LANGUAGES), name="logits")(layers.GlobalAveragePooling1D(name="mean")(normal))
    return tf_keras.Model({"characters": characters}, logits)
