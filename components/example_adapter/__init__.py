"""Makes, of the examples and the transform graph of someone else, what the student half reads."""
