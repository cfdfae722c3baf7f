"""Makes a trained student smaller: recipes, the conversion to a `.tflite` file, and what is read back from it."""
