"""Raw examples -> transformed examples: TFX's Transform, with the code of `limbeck.trainer.data.preprocessing`."""
