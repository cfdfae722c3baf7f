"""The model that is served: its export, its size and its latency."""
