"""A process in which some packages cannot be imported: `refusing.py name,name train|predict ...`.

train <job.json>                                     does what `python -m limbeck.trainer.worker` does
predict <SavedModel> <inputs.npz> <outputs.npz>      calls serving_default with `examples`
"""

import sys
from importlib.machinery import ModuleSpec


class Refusal:
    """Finds the refused packages before any other finder does, and fails to load them."""

    def __init__(self, names):
        self.names = frozenset(names)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            return ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        raise ImportError(f"{spec.name} was refused")

    def exec_module(self, module):
        """Is never called, but importlib asks for it."""


def train(job):
    from limbeck.trainer.worker import main

    return main([job])


def predict(model, inputs, outputs):
    import numpy as np
    import tensorflow as tf

    examples = np.load(inputs, allow_pickle=True)["examples"].tolist()
    answer = tf.saved_model.load(model).signatures["serving_default"](tf.constant(examples))
    np.savez(outputs, **{name: values.numpy() for name, values in answer.items()})


if __name__ == "__main__":
    _refused, _what, *_arguments = sys.argv[1:]
    sys.meta_path.insert(0, Refusal(_refused.split(",")))
    _code = {"train": train, "predict": predict}[_what](*_arguments)
    assert not frozenset(_refused.split(",")).intersection(name.partition(".")[0] for name in sys.modules)
    sys.exit(_code)
