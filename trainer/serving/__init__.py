"""The model that is shipped: export, size and latency."""
