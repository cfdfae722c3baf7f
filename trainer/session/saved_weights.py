"""Gives a model the weights of a SavedModel that `limbeck.trainer.serving.export` wrote.

An exported model is a function without layers. So the task builds the model again, and the variables of the SavedModel
are assigned to it by their position.
"""

from __future__ import annotations

from limbeck import files
from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError


def load(model: KerasModel, uri: str, who: str, builder: str) -> None:
    """Sets the weights of the first member in a SavedModel.

    Args:
      model: a model that the task has built.
      uri: folder of the SavedModel.
      who: the model in words, for the message.
      builder: the name of the task's function that has built it, for the message.

    Raises:
      ConfigError: if the SavedModel holds other weights, as one that the pipeline did not train.
    """
    import tensorflow as tf

    # A vocabulary counts as a weight, is built with the model, and has neither a dtype nor a value.
    variables = {place: one for place, one in enumerate(model.variables) if hasattr(one, "dtype")}
    reader = tf.train.load_checkpoint(files.join(files.local_copy(uri), "variables", "variables"))
    keys = {place: f"weights/0/{place}/.ATTRIBUTES/VARIABLE_VALUE" for place in variables}
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
