"""Raw examples -> transformed examples: TFX's Transform, with the code of `trainer.data.preprocessing`."""
