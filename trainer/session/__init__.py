"""What a training process does with its job: build, fit, observe, finish. `trainer.training` tells the story."""
