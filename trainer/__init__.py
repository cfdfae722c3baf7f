"""The TensorFlow code that trains, distils and exports. It knows nothing of TFX, Beam and kfp."""
