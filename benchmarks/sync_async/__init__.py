"""Is asynchronous training faster and less accurate? `main.py` measures it, README.md says more."""
