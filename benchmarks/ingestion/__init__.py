"""How fast training examples become batches, and how much memory that takes."""
