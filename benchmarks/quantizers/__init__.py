"""Does LiteRT's own quantizer make better files than TensorFlow's converter?"""
