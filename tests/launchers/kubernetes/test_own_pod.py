"""What training pods take over from the pod of their step."""

from limbeck.launchers.kubernetes.own_pod import owner_of, surroundings_of
from limbeck.launchers.kubernetes.pod_template import pod_template
from tests.launchers.kubernetes.bodies import plan, step_pod


def test_what_was_given_to_the_step_is_taken_over_and_what_is_argos_is_not():
    found = surroundings_of(step_pod())
    assert (found.image, found.service_account) == ("registry.example/limbeck:7", "pipeline-runner")
    assert found.pull_secrets == ({"name": "registry"},)
    assert [each["name"] for each in found.env] == ["HOME", "LIMBECK_TASK_FOLDER", "AWS_SECRET_ACCESS_KEY"]
    assert [volume["name"] for volume in found.volumes] == [mount["name"] for mount in found.mounts] == ["ca"]
    assert found.env_from == ({"configMapRef": {"name": "store", "optional": True}},)


def test_a_secret_stays_a_reference():
    [key] = [each for each in surroundings_of(step_pod()).env if each["name"].startswith("AWS")]
    assert "value" not in key and key["valueFrom"]["secretKeyRef"]["name"] == "s3"


def test_a_pod_of_another_maker_has_its_first_container_read():
    pod = {"spec": {"containers": [{"name": "any", "image": "i"}, {"name": "other"}]}}
    assert surroundings_of(pod).image == "i"


def test_an_owner_does_not_block_the_removal_of_its_pod():
    assert owner_of(step_pod()) == {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "0000-step"}


def test_a_variable_of_ours_replaces_that_of_the_step():
    [container] = pod_template(plan(), ())["spec"]["containers"]
    assert [each["value"] for each in container["env"] if each["name"] == "HOME"] == ["/tmp"]


def test_settings_come_before_what_is_taken_over():
    spec = pod_template(plan(service_account="other", user=1234), ())["spec"]
    assert spec["serviceAccountName"] == "other"
    assert spec["securityContext"]["runAsUser"] == 1234


def test_a_claim_that_the_step_mounts_there_already_is_not_mounted_twice():
    [container] = pod_template(plan(mount="/etc/ca", accelerators=0), ())["spec"]["containers"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/etc/ca"]
