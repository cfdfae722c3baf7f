"""The parts of a training process besides the training: its start, heartbeats, signals, and GPUs."""
