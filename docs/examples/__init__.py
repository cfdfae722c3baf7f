"""Examples that the documentation shows and that the tests run."""
