"""Small jobs whose containers tell what they were given, and do what their first argument asks, in `gs://` itself."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.vertex.simulation import Outcome, Request, simulate
from tests.kubeflow.simulate.probe import DATASET, MEMORY

Json = dict[str, Any]
ROOT = "gs://store/pipeline"
# Only the standard library, and the API of Cloud Storage, so that it starts at once.
PROGRAM = """
import json, os, sys, urllib.parse, urllib.request
do, given = json.loads(sys.argv[1]), json.loads(sys.argv[2])
def call(method, uri, body=None):
    bucket, _, key = uri.removeprefix('gs://').partition('/')
    host = os.environ['STORAGE_EMULATOR_HOST']
    if method == 'PUT':
        method, url = 'POST', f'{host}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={urllib.parse.quote(key)}'
    else:
        url = f'{host}/{bucket}/{key}'
    return urllib.request.urlopen(urllib.request.Request(url, body, method=method)).read()
def uri(side, key): return given[side]['artifacts'][key]['artifacts'][0]['uri']
print('GIVEN ' + json.dumps(given))
print('SEES ' + json.dumps({'uid': os.getuid(), 'environment': dict(os.environ)}))
for key, text in do.get('write', {}).items(): call('PUT', uri('outputs', key) + '/file', text.encode())
for key in do.get('read', []): print('READ ' + json.dumps(call('GET', uri('inputs', key) + '/file').decode()))
path = given['outputs']['outputFile']
os.makedirs(os.path.dirname(path), exist_ok=True)
if 'tell' in do: open(path, 'w').write(do['tell'])
for key, text in do.get('parameters', {}).items():
    open(given['outputs']['parameters'][key]['outputFile'], 'w').write(text)
if 'once' in do:
    try: call('GET', 'gs://store/once')
    except Exception:
        call('PUT', 'gs://store/once', b'x')
        sys.exit('for the first time')
sys.exit(do.get('exit', 0))
"""
MADE = {"outputDefinitions": {"artifacts": {"data": DATASET}}}
USED = {"inputDefinitions": {"artifacts": {"data": DATASET}}}


def step(do: Json, environment: dict[str, str] | None = None, **definitions: Json) -> Json:
    """A component and its container."""
    container: Json = {"image": "example/limbeck:1", "command": ["python", "-c", PROGRAM]}
    container["args"] = [json.dumps(do), "{{$}}"]
    if environment:
        container["env"] = [{"name": name, "value": value} for name, value in environment.items()]
    return {"definitions": definitions, "container": container}


def task(*after: str, cached: bool = False, data: str = "", **fields: Any) -> Json:
    """A task; `data` names the task whose artifact `data` it takes."""
    inputs = {"artifacts": {"data": {"taskOutputArtifact": {"producerTask": data, "outputArtifactKey": "data"}}}}
    return {
        "dependentTasks": sorted({*after, *filter(None, [data])}),
        "cachingOptions": {"enableCache": cached},
        **({"inputs": inputs} if data else {}),
        **fields,
    }


def job(steps: dict[str, tuple[Json, Json]], *, root: Json | None = None, **fields: Any) -> Json:
    """A PipelineJob of tasks, each with its component."""
    spec: Json = {
        "pipelineInfo": {"name": "probed"},
        "schemaVersion": "2.1.0",
        "components": {
            f"comp-{name}": {"executorLabel": f"exec-{name}", **one["definitions"]}
            for name, (one, _) in steps.items()
        },
        "deploymentSpec": {
            "executors": {f"exec-{name}": {"container": one["container"]} for name, (one, _) in steps.items()}
        },
        "root": {
            "dag": {
                "tasks": {
                    name: {"taskInfo": {"name": name}, "componentRef": {"name": f"comp-{name}"}, **one}
                    for name, (_, one) in steps.items()
                }
            },
            **(root or {}),
        },
    }
    return {"displayName": "probed", "pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": ROOT}, **fields}


def run(
    *given: Json, objects: dict[str, str] | None = None, parameters: tuple[Json, ...] = ({},)
) -> list[Outcome]:
    """Simulates jobs, one after the other, on one store."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for key, text in (objects or {}).items():
            Bucket(Path(folder, "bucket", "gcs", "store")).put_text(key, text)
        return [
            outcome for each in given for outcome in simulate(Request(json.dumps(each), parameters, Path(folder)))
        ]


def states(outcome: Outcome) -> dict[str, str]:
    """How each task ended."""
    return {each.name: each.state for each in outcome.tasks}


def told(outcome: Outcome, name: str, word: str) -> Any:
    """What a task's container printed after a word."""
    (found,) = (each for each in outcome.tasks if each.name == name)
    (line,) = (line for line in found.log.splitlines() if line.startswith(f"{word} "))
    return json.loads(line.removeprefix(f"{word} "))
