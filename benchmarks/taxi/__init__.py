"""Is the taxi task at least as good as the model of the TFX template? `main.py` runs it, README.md says what came out."""
