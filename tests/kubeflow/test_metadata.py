"""Metadata as KFP hands them over, and as it takes them."""

import json
import math

from limbeck.kubeflow import metadata

UNTOUCHED = {"text": "a", "empty": "", "number": 1.5, "count": 3, "flag": True}


def test_what_kfp_wraps_is_unwrapped_and_its_own_left_out():
    given = {
        **UNTOUCHED,
        "names": {"list": ["a", "b"]},
        "shape": {"struct": {"rows": 8}},
        "display_name": "examples",
        "store_session_info": "{}",
    }
    assert metadata.received(given) == {**UNTOUCHED, "names": ["a", "b"], "shape": {"rows": 8}}


def test_a_wrapping_is_taken_off_once():
    assert metadata.received({"a": {"struct": {"list": [1]}}}) == {"a": {"list": [1]}}
    # Neither of these is one.
    assert metadata.received({"a": {"list": 1}, "b": {"struct": {}, "list": []}}) == {
        "a": {"list": 1},
        "b": {"struct": {}, "list": []},
    }


def test_what_fails_a_task_after_its_work_is_left_out():
    given = {
        **UNTOUCHED,
        "none": None,
        "nan": math.nan,
        "infinite": -math.inf,
        "curve": [1.0, math.nan, None, {"x": math.inf, "y": 2.0}],
    }
    written = metadata.written(given, "tfx.Model", {}, {})
    assert written == {**UNTOUCHED, "curve": [1.0, {"y": 2.0}]}
    json.dumps(written, allow_nan=False)


def test_a_number_that_protobuf_spells_as_text_is_left_out_too():
    from google.protobuf import json_format, struct_pb2

    given = struct_pb2.Struct()
    json_format.ParseDict({"loss": math.nan, "bound": math.inf, "least": -math.inf, "count": 2.0}, given)
    spelt = json.loads(json_format.MessageToJson(given))
    assert metadata.written(spelt, "tfx.Model", {}, {}) == {"count": 2.0}


def test_what_means_nothing_outside_of_the_pod_is_translated():
    uris = {"/minio/bucket/run/model": "minio://bucket/run/model"}
    number = 2832487237842378423
    given = {
        "current_model": "/minio/bucket/run/model",
        "file": "/minio/bucket/run/model/Format-Serving",
        "other": "/minio/bucket/run/model_run",
        # A double, as it comes out of TFX's JSON.
        "current_model_id": float(number),
    }
    assert metadata.written(given, "tfx.ModelBlessing", uris, {float(number): "17"}) == {
        "current_model": "minio://bucket/run/model",
        "file": "minio://bucket/run/model/Format-Serving",
        "other": "/minio/bucket/run/model_run",
        "current_model_id": "17",
    }


def test_a_version_of_tfx_is_no_metric():
    given = {"accuracy": 0.9, "tfx_version": "1.16.0"}
    assert metadata.written(given, "system.Metrics", {}, {}) == {"accuracy": 0.9}
    assert metadata.written(given, "tfx.Model", {}, {}) == given
