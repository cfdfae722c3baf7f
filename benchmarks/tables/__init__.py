"""Is a task that `tasks new` writes as good as a random forest? `main.py` runs it, README.md says what came out."""
