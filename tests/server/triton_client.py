"""Asks a server as a program of Triton's users does: run in the server's environment, `PORT GRPC_PORT ROWS`.

ROWS is a JSON list of examples. Prints what both protocols answer, and what they say of the model.
"""

import json
import sys

import numpy as np
import tritonclient.grpc as by_grpc
import tritonclient.http as by_http


def asked(module, url, rows, **options):
    """Returns the answers and the version of a protocol."""
    client = module.InferenceServerClient(url)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("student")
    tensor = module.InferInput("x", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows)
    answer = client.infer("student", [tensor], **options)
    arrays = {name: answer.as_numpy(name) for name in ("logits", "probabilities", "class", "all_classes")}
    response = answer.get_response()
    version = response["model_version"] if isinstance(response, dict) else response.model_version
    decode = np.vectorize(bytes.decode, otypes=[object])
    texts = {name: decode(values).tolist() for name, values in arrays.items() if values.dtype == object}
    return (
        {"version": version}
        | {name: values.tolist() for name, values in arrays.items() if name not in texts}
        | texts
    )


def main(port, grpc_port, text):
    """Prints the answers as JSON."""
    rows = np.array(json.loads(text), np.float32)
    http_url, grpc_url = f"localhost:{port}", f"localhost:{grpc_port}"
    told = {
        "metadata": by_http.InferenceServerClient(http_url).get_model_metadata("student"),
        "http": asked(by_http, http_url, rows),
        "grpc": asked(by_grpc, grpc_url, rows),
        "grpc of version 1": asked(by_grpc, grpc_url, rows, model_version="1"),
    }
    # Texts that are no examples, and an input that there is none of.
    wrong = by_grpc.InferInput("y", [1, 1], "FP32")
    wrong.set_data_from_numpy(np.zeros([1, 1], np.float32))
    try:
        by_grpc.InferenceServerClient(grpc_url).infer("student", [wrong])
    except by_grpc.InferenceServerException as error:
        told["refused"] = [error.status(), error.message()]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
