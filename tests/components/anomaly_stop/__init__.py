"""AnomalyStop, and what it holds data against."""
