"""Calls a compressed student: `python compressed_caller.py serving/<version>/compressed FEATURES`.

FEATURES is a JSON object with a list for each raw feature, such as '{"pixels": [0, 16, ...]}'. Prints the logits.
"""

import json
import sys

import tensorflow as tf

folder, features = sys.argv[1], json.loads(sys.argv[2])
# Turns raw features, `[batch, *shape]`, into the inputs of the file. It is the Transform graph of the training.
transform = tf.saved_model.load(f"{folder}/transform").signatures["serving_tensors"]
student = tf.lite.Interpreter(f"{folder}/student.tflite", num_threads=1).get_signature_runner()

types = {name: spec.dtype for name, spec in transform.structured_input_signature[1].items()}
raw = {name: tf.constant([values], types[name]) for name, values in features.items()}
inputs = {name: values.numpy() for name, values in transform(**raw).items()}
sys.stdout.write(f"{student(**inputs)['logits'].tolist()[0]}\n")
