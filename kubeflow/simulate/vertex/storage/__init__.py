"""A Cloud Storage on this machine, which the real clients of TensorFlow, Beam and Google open."""
