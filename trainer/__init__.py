"""TensorFlow code that trains, distils and exports; it knows nothing of TFX components or kfp."""
