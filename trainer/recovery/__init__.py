"""How a training that was killed goes on."""
