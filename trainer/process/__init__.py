"""The code of a training process that is not training: its start, heartbeats, signals, and GPUs."""
