"""A process among others: signs of life, signals, how it is started."""
