"""Gives a model the weights of a SavedModel that `limbeck.trainer.serving.export` wrote.

An exported model is a function without layers. So the task builds the model again, and the variables of the SavedModel
are assigned to it by their position.
"""

from __future__ import annotations

from typing import Any

from limbeck import files
from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError


def members(uri: str) -> int:
    """Returns how many members the SavedModel at `uri` holds."""
    numbers = {key.split("/")[1] for key in _reader(uri).get_variable_to_shape_map() if key.startswith("weights/")}
    return len(numbers)


def load(model: KerasModel, uri: str, who: str, builder: str, member: int = 0) -> None:
    """Sets the weights of one member in a SavedModel.

    Args:
      model: a model that the task has built.
      uri: folder of the SavedModel.
      who: the model in words, for the message.
      builder: the name of the task's function that has built it, for the message.
      member: number of the member, from 0.

    Raises:
      ConfigError: if the SavedModel holds other weights, for example because the pipeline did not train it.
    """
    # Keras counts a vocabulary as a weight, but it is built with the model, and has neither a dtype nor a value.
    variables = {place: one for place, one in enumerate(model.variables) if hasattr(one, "dtype")}
    reader = _reader(uri)
    keys = {place: f"weights/{member}/{place}/.ATTRIBUTES/VARIABLE_VALUE" for place in variables}
    shapes = reader.get_variable_to_shape_map()
    wanted = {key: variables[place].shape.as_list() for place, key in keys.items()}
    odd = [key for key, shape in wanted.items() if shapes.get(key) != shape]
    if odd:
        raise ConfigError(
            f"{who} in {uri} is not the one that {builder} builds: weight {odd[0].split('/')[2]} has shape "
            f"{wanted[odd[0]]} and there {shapes.get(odd[0], 'it is missing')}"
        )
    for place, variable in variables.items():
        variable.assign(reader.get_tensor(keys[place]))


def _reader(uri: str) -> Any:
    import tensorflow as tf

    return tf.train.load_checkpoint(files.join(files.local_copy(uri), "variables", "variables"))
