"""The TensorFlow code that trains, distils and exports. It does not depend on TFX, Beam or kfp."""
