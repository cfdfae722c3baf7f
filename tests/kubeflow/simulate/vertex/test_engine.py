"""The rules of Vertex AI as `limbeck.kubeflow.simulate.vertex.rules` names them, each seen at work in a small job."""

import json
import re

import pytest

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.vertex.job import job_id
from tests.kubeflow.simulate.vertex.jobs import MADE, ROOT, USED, job, run, states, step, task, told

pytestmark = pytest.mark.processes
MAKE = step({"write": {"data": "7"}}, **MADE)
USE = step({"read": ["data"]}, **USED)
FOLDER = r"store/pipeline/\d{12}/probed-\d+/make_\d+"


def test_executors_read_and_write_gs_themselves_and_inputs_have_name_type_and_uri():
    (outcome,) = run(job({"make": (MAKE, task()), "use": (USE, task(data="make"))}))

    assert outcome.succeeded and told(outcome, "use", "READ") == "7"
    (given,) = told(outcome, "use", "GIVEN")["inputs"]["artifacts"]["data"]["artifacts"]
    assert given["type"] == {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
    assert re.fullmatch(r"projects/\d+/locations/[-a-z0-9]+/metadataStores/default/artifacts/\d+", given["name"])
    assert re.fullmatch(f"gs://{FOLDER}/data", given["uri"])
    made = told(outcome, "make", "GIVEN")["outputs"]
    assert re.fullmatch(f"/gcs/{FOLDER}/executor_output.json", made["outputFile"])
    assert list(made["artifacts"]) == ["data"]


def test_containers_know_who_they_are_and_are_members_of_a_cluster_of_one():
    (outcome,) = run(job({"make": (MAKE, task())}))
    sees = told(outcome, "make", "SEES")
    assert sees["uid"] == 1000
    cluster = json.loads(sees["environment"]["TF_CONFIG"])
    assert (cluster["environment"], cluster["task"]) == ("cloud", {"type": "chief", "index": 0})
    assert "GCE_METADATA_HOST" in sees["environment"]


def test_what_is_told_of_outputs_is_taken_as_it_stands():
    told_of = {"uri": "gs://elsewhere/x", "metadata": {"flag": True, "list": [1, {"a": None}], "n": 3}}
    tell = json.dumps({"artifacts": {"data": {"artifacts": [told_of]}}})
    make = step({"tell": tell}, **MADE)
    (outcome,) = run(job({"make": (make, task()), "use": (step({}, **USED), task(data="make"))}))
    (given,) = told(outcome, "use", "GIVEN")["inputs"]["artifacts"]["data"]["artifacts"]
    assert (given["uri"], given["metadata"]) == (told_of["uri"], told_of["metadata"])


@pytest.mark.parametrize(
    ("told_of", "reason"),
    [
        ('{"artifacts": {"data": {"artifacts": [{"metadata": {"x": NaN}}]}}}', "invalid value NaN"),
        (
            '{"artifacts": {"data": {"artifacts": [{"metadata": {"x": null}}]}}}',
            "metadata 'x' of output 'data' is null",
        ),
        ('{"artefacts": {}}', "artefacts"),
    ],
)
def test_an_output_file_that_says_too_much_fails_the_task(told_of, reason):
    (outcome,) = run(job({"make": (step({"tell": told_of}, **MADE), task())}))
    assert not outcome.succeeded and reason in outcome.tasks[0].error


def test_parameters_reach_a_task_by_value_and_by_kind_and_outputs_the_next():
    out = {"outputDefinitions": {"parameters": {"count": {"parameterType": "NUMBER_INTEGER"}}}}
    took = {
        "parameters": {
            "n": {"parameterType": "NUMBER_INTEGER"},
            "x": {"parameterType": "STRING", "isOptional": True},
        }
    }
    source = {"n": {"taskOutputParameter": {"producerTask": "count", "outputParameterKey": "count"}}}
    source["x"] = {"componentInputParameter": "x"}
    root = {"inputDefinitions": {"parameters": {"x": {"parameterType": "STRING", "isOptional": True}}}}
    first, second = run(
        job(
            {
                "count": (step({"parameters": {"count": "41"}}, **out), task()),
                "use": (step({}, inputDefinitions=took), task("count", inputs={"parameters": source})),
            },
            root=root,
        ),
        parameters=({}, {"x": "given"}),
    )
    assert told(first, "use", "GIVEN")["inputs"] == {
        "parameterValues": {"n": 41},
        "parameters": {"n": {"intValue": "41"}},
    }
    assert told(second, "use", "GIVEN")["inputs"]["parameterValues"] == {"n": 41, "x": "given"}


def test_the_cache_key_holds_the_environment_and_the_ids_of_inputs():
    def graph(**environment):
        make = step({"write": {"data": "7"}}, environment, **MADE)
        return job({"make": (make, task(cached=True)), "use": (USE, task(data="make", cached=True))})

    first, again, other = (states(each) for each in run(graph(A="1"), graph(A="1"), graph(A="2")))
    assert first == {"make": "SUCCEEDED", "use": "SUCCEEDED"}
    assert again == {"make": "SKIPPED", "use": "SKIPPED"}
    # Another environment is another artifact, and so all that follows runs again.
    assert other == {"make": "SUCCEEDED", "use": "SUCCEEDED"}


@pytest.mark.parametrize(("blessed", "expected"), [(1, "SUCCEEDED"), (0, "NOT_TRIGGERED")])
def test_a_condition_lets_a_task_run_or_not(blessed, expected):
    tell = json.dumps({"artifacts": {"data": {"artifacts": [{"metadata": {"blessed": blessed}}]}}})
    policy = {"condition": "inputs.artifacts['data'].artifacts[0].metadata['blessed'] == 1.0"}
    (outcome,) = run(
        job(
            {
                "gate": (step({"tell": tell}, **MADE), task()),
                "push": (step({}, **USED), task(data="gate", triggerPolicy=policy)),
                "then": (step({}), task("push")),
            }
        )
    )
    assert states(outcome) == {"gate": "SUCCEEDED", "push": expected, "then": expected}
    assert outcome.succeeded


@pytest.mark.parametrize(
    ("policy", "beside"),
    [("PIPELINE_FAILURE_POLICY_FAIL_SLOW", "SUCCEEDED"), ("PIPELINE_FAILURE_POLICY_FAIL_FAST", "NOT_TRIGGERED")],
)
def test_after_a_failure_the_rest_runs_unless_the_job_fails_fast(policy, beside):
    graph = {
        "a-fails": (step({"exit": 3}), task()),
        "b-after": (step({}), task("a-fails")),
        "c-beside": (step({}), task()),
    }
    configuration = {"gcsOutputDirectory": ROOT, "failurePolicy": policy}
    (outcome,) = run(job(graph, runtimeConfig=configuration))
    assert states(outcome) == {"a-fails": "FAILED", "b-after": "NOT_TRIGGERED", "c-beside": beside}
    assert not outcome.succeeded and "exit status 3" in outcome.tasks[0].error


def test_a_retry_gets_a_folder_of_its_own():
    policy = {"maxRetryCount": 2}
    (outcome,) = run(job({"make": (step({"once": True}, **MADE), task(retryPolicy=policy))}))
    assert (states(outcome)["make"], outcome.tasks[0].attempts) == ("SUCCEEDED", 2)


def test_tensorflow_opens_gs_in_a_container():
    """Not a stand-in: TensorFlow's own client of Cloud Storage, over TLS, with a token of the metadata server."""
    code = (
        "from tensorflow.io import gfile\n"
        "gfile.makedirs('gs://store/a b'); gfile.GFile('gs://store/a b/c', 'w').write('text')\n"
        "print('READ ' + '\"' + gfile.GFile('gs://store/in').read() + '\"'); print(gfile.listdir('gs://store/'))\n"
        "gfile.rename('gs://store/a b/c', 'gs://store/d')\n"
    )
    container = {"image": "x", "command": ["python", "-c", code]}
    (outcome,) = run(
        job({"make": ({"definitions": {}, "container": container}, task())}), objects={"in": "before"}
    )
    assert outcome.succeeded, outcome.tasks[0].log
    assert told(outcome, "make", "READ") == "before"
    sizes = outcome.trace["bucket"]
    # The marker of the folder that TensorFlow made is an object of its own, as it is in Google's.
    assert {key: sizes[key] for key in ("in", "d", "a b/")} == {"in": 6, "d": 4, "a b/": 0}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"runtimeConfig": {"gcsOutputDirectory": "s3://x/y"}}, "must be a gs:// URI, received 's3://x/y'"),
        ({"runtimeConfig": {"gcsOutputDirectori": ROOT}}, "no PipelineJob: .*gcsOutputDirectori"),
        ({"runtimeConfig": {"gcsOutputDirectory": ROOT, "parameterValues": {"y": 1}}}, "no parameter y"),
        ({"labels": {"a": 1}}, "no PipelineJob"),
        ({"pipelineSpec": {"pipelineInfo": {"name": "p"}}}, "root"),
    ],
)
def test_what_no_project_would_run_is_refused(change, reason):
    with pytest.raises(RefusedError, match=f"Vertex AI refuses the (pipeline|run): .*{reason}"):
        run({**job({"make": (MAKE, task())}), **change})


def test_the_id_of_a_job_is_made_of_the_name_of_its_pipeline():
    assert job_id("Limbeck_Digits", "20260101") == "limbeck-digits-20260101"
    with pytest.raises(RefusedError, match="must match"):
        job_id("1digits", "20260101")
