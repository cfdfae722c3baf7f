"""What a training process does as a process: it starts, gives signs of life, handles signals, and finds its GPUs."""
