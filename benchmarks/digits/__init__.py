"""Does distillation beat its controls on the digits task? `main.py` runs it, README.md says what came out."""
