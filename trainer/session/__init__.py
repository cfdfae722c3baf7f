"""The parts of a training process: building, fitting, observing and finishing. `trainer.training` says the order."""
