"""How much memory the activations of a training step take, with accumulation, recomputation and both."""
