"""How soft targets are stored: all logits, or the most probable classes and the mass of all other classes."""
