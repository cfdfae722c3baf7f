"""The conformance table: the models, how each is trained, and what is promised. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of `models.py`.

    Attributes:
      model: name of its builder.
      shows: what it shows, for the page.
      optimizer: an entry of `tasks.OPTIMIZERS`.
      refused: None if it is trained as by Keras' fit; otherwise a part of the message that refuses it.
      draws: whether it draws random numbers. They differ from the numbers under Keras, so no values are compared.
      replicas: None if two replicas train the same as one device; otherwise the reason why they do not.
      refused_on_replicas: a part of the message that refuses it under two replicas.
      precision: `training.precision`.
      tolerance: the tolerance of weights, losses and logits.
      clip_norm: `training.clip_norm`, and the `global_clipnorm` of Keras' optimizer.
    """

    model: str
    shows: str
    optimizer: str = "SGD"
    refused: str | None = None
    draws: bool = False
    replicas: str | None = None
    refused_on_replicas: str | None = None
    precision: str = "float32"
    tolerance: float = 1e-5
    clip_norm: float | None = None

    @property
    def name(self) -> str:
        """The name of the case, and of its task."""
        return "-".join([self.model, self.optimizer, self.precision][: 3 if self.precision != "float32" else 2])


SUPPORTED = (
    Case("dense", "dense layers"),
    Case("dense", "dense layers", "Adam"),
    Case("dense", "`training.clip_norm`, against the optimizer's `global_clipnorm`", "momentum", clip_norm=0.3),
    Case("dense", "`clipnorm` of an optimizer", "clipnorm"),
    Case("dense", "decoupled weight decay", "AdamW"),
    Case("weight_penalties", "`kernel_regularizer`, `bias_regularizer`"),
    Case("weight_penalties", "the same in float16, with loss scaling", precision="mixed_float16", tolerance=5e-3),
    Case("activity_penalty", "`activity_regularizer`: a mean over the global batch, whatever a replica's part of it",
         "Adam"),
    Case("layer_loss", "`add_loss` of a mean over examples, in a layer"),
    Case("model_loss", "`add_loss` on a functional model", "Adam"),
    Case("shared_layer", "a layer with a penalty, used three times"),
    Case("constraints", "`kernel_constraint`, `bias_constraint`", "Adam"),
    Case("frozen_layer", "a layer with `trainable=False`", "Adam"),
    Case("dense", "a moving average of the weights (`use_ema`), which is what is exported", "EMA"),
    Case("weight_penalties", "the same, written over the weights every third step", "EMA-overwriting"),
    Case("batch_normalization", "batch normalisation",
         replicas="each replica has statistics of its own, as under Keras"),
    Case("training_argument", "a layer with a `training` argument"),
    Case("own_counter", "a layer that changes weights which are not trained"),
    Case("embedding", "an embedding: gradients of slices", "Adam"),
    Case("recurrent", "a recurrent layer", "Adam"),
    Case("masked_recurrent", "`Embedding(mask_zero=True)` before recurrent layers, forwards and backwards", "Adam"),
    Case("masked_attention", "the same before attention, and a mean of what is not masked", "Adam"),
    Case("masking", "a `Masking` layer, whose mask a layer of one's own takes"),
    Case("attention", "attention, layer normalisation", "Adam"),
    Case("convolution", "convolution, pooling",
         replicas="the same; refused where the last batch has fewer examples than there are replicas, because "
                  "TensorFlow's convolution with oneDNN fails on none",
         refused_on_replicas="the last batch of its training has fewer examples than replicas, 1 for 2"),
    Case("string_lookup", "a text that the model looks up; the table is exported"),
    Case("text_vectorization", "a vocabulary that is adapted in the builder", "Adam"),
    Case("integer_lookup", "IntegerLookup, Hashing, CategoryEncoding"),
    Case("normalization", "Normalization adapted in the builder, Rescaling"),
    Case("sparse_input", "a sparse input"),
    Case("sparse_lookup", "a sparse input that is looked up, beside a dense one", "Adam"),
    Case("ragged_input", "a ragged input: an embedding, and a mean over as many values as an example has"),
    Case("ragged_recurrent", "a ragged input to a recurrent layer", "Adam",
         replicas="the same; refused where the last batch has fewer examples than there are replicas, because "
                  "Keras' recurrent layer fails on none",
         refused_on_replicas="the last batch of its training has fewer examples than replicas, 1 for 2"),
    Case("ragged_for_dense", "a ragged input, declared without `ragged=True`, in layers that take both"),
    Case("ragged_subclass", "a subclass that takes sparse and ragged inputs, some of them empty", "Adam"),
    Case("subclass", "a subclass that nobody has called yet, with `add_loss` and a penalty"),
    Case("called_subclass", "the same, called in the builder", "Adam"),
    Case("sequential", "a Sequential whose InputLayer has the input's name"),
    Case("one_tensor", "a model of one tensor, by the name of its Input", "Adam"),
    Case("listed_inputs", "a list of inputs, by the names of theirs"),
    Case("nested", "models within models, one of them used twice", "Adam"),
    Case("seeded_noise", "stock Dropout and GaussianNoise: trained, and noted, since no checkpoint holds their draws",
         draws=True,
         replicas="each replica draws for itself, as under Keras"),
)  # fmt: skip

REFUSED = (
    Case("compiled", "a compiled model", refused="must not be compiled"),
    Case("own_train_step", "a `train_step` of its own", refused="overrides train_step, which only Keras' fit"),
    Case("own_compute_loss", "a `compute_loss` of its own", refused="overrides compute_loss, which only Keras' fit"),
    Case("own_metric", "`add_metric`", refused="has metrics of its own (level)"),
    Case("all_frozen", "a model with nothing to train", refused="all its layers are frozen (trainable=False)"),
    Case("softmax", "a softmax as last activation", refused="has the activation softmax"),
    Case("sigmoid_operation", "a sigmoid as last operation", refused="its last operation is math.sigmoid"),
    Case("nested_softmax", "a softmax at the end of a model within", refused="is a softmax"),
    Case("nameless_sequential", "a Sequential without inputs",
         refused="is a Sequential that does not say what it takes"),
    Case("renamed", "an input that `preprocessing_fn` does not return",
         refused="takes inputs ['idss'], but preprocessing_fn returns ['bag', 'colour', 'ids', 'steps', 'tokens', "
                 "'words', 'x']. Did you mean 'ids'?"),
    Case("wider", "an input of another width",
         refused="takes 'x' as [batch, 6] of float32, but preprocessing_fn returns it as [batch, 4] of float32"),
    Case("text_for_number", "a text where the model takes a number",
         refused="takes 'colour' as [batch, 1] of float32, but preprocessing_fn returns it as [batch] of string"),
    Case("positional_subclass", "a subclass whose `call` does not take a dictionary",
         refused="cannot be called with what preprocessing_fn returns"),
    Case("ragged_dense", "a ragged input to a dense layer, which takes one width only",
         refused="cannot build its teacher:"),
    Case("several_outputs", "several outputs", refused="must return one tensor of logits"),
    Case("raising_layer", "a layer that raises in training", refused="a training step of the teacher of task "),
    Case("dense", "an optimizer of another Keras", "legacy",
         refused="must build a tf_keras.optimizers.Optimizer, but built a tf_keras.src.optimizers.legacy"),
)  # fmt: skip

CASES = {case.name: case for case in (*SUPPORTED, *REFUSED)}


def table() -> str:
    """Returns the cases as a Markdown table."""
    lines = ["| model | optimizer | one device | two replicas |", "| --- | --- | --- | --- |"]
    for case in SUPPORTED:
        exact = "equal to Keras' fit" if case.tolerance == Case.tolerance else f"within {case.tolerance:g}"
        exact = "draws other numbers" if case.draws else exact
        lines.append(f"| {case.shows} | {case.optimizer} | {exact} | {case.replicas or 'the same'} |")
    lines += ["", "| refused | because it |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {case.shows} | {case.refused} |" for case in REFUSED)])
