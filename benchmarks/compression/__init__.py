"""How small, fast and good is a compressed student? `main.py` runs it, README.md says more."""
