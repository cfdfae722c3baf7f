"""How soft targets are stored: all logits, or the most probable classes and what the others weigh together."""
