"""The languages task: what is read, what is left out, which split it is in, and what the models make of it."""
