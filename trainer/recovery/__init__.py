"""Saves the state of a training, and resumes a training that was killed."""
