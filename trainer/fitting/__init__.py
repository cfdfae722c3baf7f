"""The training loop, the optimizer step, and what happens between steps."""
