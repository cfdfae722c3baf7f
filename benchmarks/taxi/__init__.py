"""Is the taxi task as good as the model of TFX's taxi template? `main.py` runs it, README.md says what came out."""
