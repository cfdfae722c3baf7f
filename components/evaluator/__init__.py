"""What the Evaluator evaluates, and how it reads examples."""
