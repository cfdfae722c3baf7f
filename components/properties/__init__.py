"""Settings <-> execution properties."""
