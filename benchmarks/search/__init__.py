"""Is a student whose loss was searched for at least as good as its controls? `main.py` runs it, README.md says more."""
