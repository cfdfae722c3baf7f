"""The training loop and what happens in and between its steps."""
