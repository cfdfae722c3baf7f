"""Handwritten digits as sentences: a word for each inked cell, and a deep model that reads them (docs/deep-models.md).

The sentences have 13 to 30 words. The teacher has four blocks of attention. The student has two, and begins with every
second block of its teacher.
"""

import csv
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task

CELLS, LENGTH, UNITS = 64, 32, 24
# 0 is padding. Words that the training split does not have share the last number.
PADDING, BEGIN, FIRST_WORD = 0, 1, 2
VOCABULARY = FIRST_WORD + CELLS + 1
TEACHER_BLOCKS, STUDENT_BLOCKS = 4, 2
INK, VISIBLE, TRAINING = 8, 300, 1200
layers = tf_keras.layers


def write_data(folder: Path) -> None:
    """Writes a CSV file for each split. The student sees the labels of 300 of the 1,200 training examples."""
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    sentences = [
        " ".join(f"r{cell // 8}c{cell % 8}" for cell in range(CELLS) if row[cell] >= INK) for row in pixels
    ]
    # Those that judge see all labels.
    visible = [number < VISIBLE or number >= TRAINING for number in range(len(digits))]
    rows = [[*row] for row in zip(sentences, digits.tolist(), map(int, visible), strict=True)]
    parts = {"train": rows[:TRAINING], "validation": rows[TRAINING:1500], "test": rows[1500:]}
    for split, part in parts.items():
        (folder / split).mkdir()
        with (folder / split / "sentences.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["sentence", "digit", "label_visible"], *part])


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Numbers the words, and pads each sentence to the same length.

    Each sentence begins with a word of ours. So no sentence is all padding, whose mean would be 0 / 0.
    """
    words = tf.strings.split(inputs["sentence"])
    numbers = tft.compute_and_apply_vocabulary(words, top_k=CELLS, num_oov_buckets=1) + FIRST_WORD
    padded = numbers.to_tensor(PADDING, shape=[None, LENGTH - 1])
    return {"words": tf.pad(padded, [[0, 0], [1, 0]], constant_values=BEGIN)}


def _model(blocks: int) -> Any:
    words = tf_keras.Input([LENGTH], dtype=tf.int64, name="words")
    # Later layers take the mask of the embedding: padding gets no attention, and no part in the mean.
    read = layers.Embedding(VOCABULARY, UNITS, mask_zero=True, name="embedding")(words)
    for number in range(blocks):
        seen = layers.MultiHeadAttention(2, UNITS // 2, name=f"attention_{number}")(read, read)
        read = layers.LayerNormalization(name=f"norm_{number}")(layers.Add()([read, seen]))
        hidden = layers.Dense(2 * UNITS, activation="relu", name=f"wide_{number}")(read)
        read = layers.Add()([read, layers.Dense(UNITS, name=f"narrow_{number}")(hidden)])
    logits = layers.Dense(10, name="logits")(layers.GlobalAveragePooling1D()(read))
    return tf_keras.Model({"words": words}, logits)


def build_teacher(_: Hyperparameters) -> Any:
    """Four blocks."""
    return _model(TEACHER_BLOCKS)


def build_student(_: Hyperparameters) -> Any:
    """Two blocks."""
    return _model(STUDENT_BLOCKS)


def initialise_student(student: Any, teacher: Any) -> None:
    """Copies the embedding, the last layer and blocks 0 and 2, as DistilBERT does (arXiv:1910.01108)."""
    pairs = [("embedding", "embedding"), ("logits", "logits")]
    for number in range(STUDENT_BLOCKS):
        pairs += [(f"{part}_{number}", f"{part}_{2 * number}") for part in ("attention", "norm", "wide", "narrow")]
    for mine, its in pairs:
        student.get_layer(mine).set_weights(teacher.get_layer(its).get_weights())


def metrics() -> list[Any]:
    """Whether the digit is among the three most probable ones."""
    return [tf_keras.metrics.SparseTopKCategoricalAccuracy(3, name="top_3")]


TASK = Task(
    name="sentences",
    features=(Feature("sentence", "text"),),
    label=Label("digit", classes=tuple("0123456789"), visible_to_student="label_visible"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    initialise_student=initialise_student,
    metrics=metrics,
    write_data=write_data,
)
