"""From transformed examples to the batches of each replica."""
