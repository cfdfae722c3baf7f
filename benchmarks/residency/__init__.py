"""How many bytes move on 1, 2 and 4 workers, and what does moving cost? `main.py` measures it, README.md says more."""
