"""Compresses the student into the file that is shipped beside its SavedModel."""
