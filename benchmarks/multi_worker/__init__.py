"""What does training by several processes cost, beside a script by hand? `main.py` measures it, README.md says more."""
