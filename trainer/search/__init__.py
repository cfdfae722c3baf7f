"""Pure functions that decide which losses of distillation are tried, for how long, and which one is taken."""
