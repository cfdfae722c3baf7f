"""The metadata server of Google's machines, which tells a process its identity. Here it returns a useless token."""

from __future__ import annotations

import json

from limbeck.kubeflow.simulate.vertex.storage.api import Answer

PROJECT, PROJECT_NUMBER = "simulated-project", "123456789012"
ACCOUNT = f"simulated@{PROJECT}.iam.gserviceaccount.com"
_ROOT = "/computeMetadata/v1/"
_ACCOUNT = "instance/service-accounts/default"
_TOKEN = {"access_token": "simulated", "expires_in": 3600, "token_type": "Bearer"}
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_KNOWN = {
    "project/project-id": PROJECT,
    "project/numeric-project-id": PROJECT_NUMBER,
    "instance/zone": f"projects/{PROJECT_NUMBER}/zones/us-central1-a",
    "universe/universe-domain": "googleapis.com",
    f"{_ACCOUNT}/email": ACCOUNT,
    f"{_ACCOUNT}/scopes": "\n".join(_SCOPES),
}


def answer(path: str) -> Answer | None:
    """Returns the metadata server's answer; None if the path is not its own."""
    headers = {"Metadata-Flavor": "Google"}
    if path == "/":
        return Answer(200, b"", headers)
    if not path.startswith(_ROOT):
        return None
    asked = path.removeprefix(_ROOT).partition("?")[0].rstrip("/")
    if asked in _KNOWN:
        return Answer(200, _KNOWN[asked].encode(), {**headers, "Content-Type": "application/text"})
    as_json = {
        f"{_ACCOUNT}/token": _TOKEN,
        _ACCOUNT: {"aliases": ["default"], "email": ACCOUNT, "scopes": _SCOPES},
    }
    if asked in as_json:
        return Answer(200, json.dumps(as_json[asked]).encode(), {**headers, "Content-Type": "application/json"})
    return Answer(404, b"", headers)
