"""Raw examples -> transformed examples: stock Transform, with the code of `trainer.data.preprocessing`."""
