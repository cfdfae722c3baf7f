"""The parts of a training process: building, fitting, observing, finishing (`limbeck.trainer.training`)."""
