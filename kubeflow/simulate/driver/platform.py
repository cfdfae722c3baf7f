"""Adds the platform document's settings to a pod: nodes, mounts, secrets as environment variables, deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.kubeflow.simulate.driver.affinity import node_affinity
from limbeck.kubeflow.simulate.driver.inputs import parameter
from limbeck.kubeflow.simulate.driver.options import DriverError, NullParameterError, Options
from limbeck.kubeflow.simulate.driver.quantities import canonical
from limbeck.kubeflow.simulate.driver.upstream import Upstream

_PULL_POLICIES = ("Always", "Never", "IfNotPresent")


class Platform:
    """Applies the entry of one executor to its pod."""

    def __init__(self, options: Options, pod: dict[str, Any]) -> None:
        self._entry = options.platform or {}
        self._pod = pod
        self._main = pod["containers"][0]
        upstream = Upstream(options)
        around = options.run.metadata.parameters(upstream.dag)[0]
        self._value: Callable[[dict[str, Any]], Any] = lambda spec: parameter(options, spec, around, upstream)

    def apply(self) -> None:
        """Patches the pod. Raises DriverError if a name is missing."""
        self._claims()
        self._pull_policy()
        self._node_selector()
        self._tolerations()
        self._named_volumes()
        self._environment()
        self._simple_volumes()
        affinity = node_affinity(self._entry.get("nodeAffinity", []), self._value)
        if affinity:
            self._pod["affinity"] = {"nodeAffinity": affinity}
        deadline = int(self._entry.get("activeDeadlineSeconds", 0))
        if deadline > 0:
            self._pod["activeDeadlineSeconds"] = deadline
        context = self._entry.get("securityContext")
        if context is not None:
            kept = {key: int(context[key]) for key in ("runAsUser", "runAsGroup") if key in context}
            kept |= {key: context[key] for key in ("runAsNonRoot",) if key in context}
            self._main["securityContext"] = kept | {"capabilities": {"drop": ["ALL"]}}

    def _name(self, entry: dict[str, Any], parameter_key: str, constant_key: str) -> str | None:
        """Returns a name that is a constant or a parameter; None if the parameter is null."""
        if parameter_key in entry:
            try:
                return _text(self._value(entry[parameter_key]))
            except NullParameterError:
                return None
        if entry.get(constant_key):
            return str(entry[constant_key])
        raise DriverError(f"an entry of the platform document needs {constant_key} or {parameter_key}")

    def _mount(self, volume: dict[str, Any], mount: dict[str, Any]) -> None:
        self._pod.setdefault("volumes", []).append(volume)
        self._main.setdefault("volumeMounts", []).append(mount)

    def _claims(self) -> None:
        for entry in self._entry.get("pvcMount", []):
            spec = entry.get("pvcNameParameter")
            if spec is None and "constant" in entry:
                spec = {"runtimeValue": {"constant": entry["constant"]}}
            if spec is None:
                spec = {
                    key: entry[key] for key in ("taskOutputParameter", "componentInputParameter") if key in entry
                }
            name = _text(self._value(spec))
            if not entry.get("mountPath"):
                raise DriverError(f"the claim {name} is mounted nowhere: mountPath is missing")
            mount = {"mountPath": entry["mountPath"], "name": name}
            if entry.get("subPath"):
                mount["subPath"] = entry["subPath"]
            self._mount({"name": name, "persistentVolumeClaim": {"claimName": name}}, mount)

    def _pull_policy(self) -> None:
        policy = self._entry.get("imagePullPolicy", "")
        if policy:
            if policy not in _PULL_POLICIES:
                raise DriverError(f"imagePullPolicy is one of {', '.join(_PULL_POLICIES)}; received {policy!r}")
            self._main["imagePullPolicy"] = policy
        for entry in self._entry.get("imagePullSecret", []):
            name = self._name(entry, "secretNameParameter", "secretName")
            if name is not None:
                self._pod.setdefault("imagePullSecrets", []).append({"name": name})

    def _node_selector(self) -> None:
        selector = self._entry.get("nodeSelector")
        if selector is None:
            return
        labels = selector.get("labels", {})
        if "nodeSelectorJson" in selector:
            try:
                labels = self._value(selector["nodeSelectorJson"])
            except NullParameterError:
                return
        if labels:
            self._pod["nodeSelector"] = labels

    def _tolerations(self) -> None:
        found: list[Any] = []
        for entry in self._entry.get("tolerations", []):
            if "tolerationJson" in entry:
                try:
                    value = self._value(entry["tolerationJson"])
                except NullParameterError:
                    continue
                if not isinstance(value, (dict, list)):
                    raise DriverError(f"a toleration is a structure or a list of them, received {value!r}")
                found += value if isinstance(value, list) else [value] if value else []
            else:
                seconds = (
                    {"tolerationSeconds": int(entry["tolerationSeconds"])} if "tolerationSeconds" in entry else {}
                )
                found.append(entry | seconds)
        if found:
            self._pod["tolerations"] = found

    def _named_volumes(self) -> None:
        for entry in self._entry.get("secretAsVolume", []):
            name = self._name(entry, "secretNameParameter", "secretName")
            if name is not None:
                source = {"secretName": name, "optional": entry.get("optional", False)}
                self._mount({"name": name, "secret": source}, _at(name, entry))
        for entry in self._entry.get("configMapAsVolume", []):
            name = self._name(entry, "configMapNameParameter", "configMapName")
            if name is not None:
                source = {"name": name, "optional": entry.get("optional", False)}
                self._mount({"name": name, "configMap": source}, _at(name, entry))

    def _environment(self) -> None:
        kinds = (
            ("secretAsEnv", "secretName", "secretKey", "secretKeyRef"),
            ("configMapAsEnv", "configMapName", "configMapKey", "configMapKeyRef"),
        )
        found: list[dict[str, Any]] = []
        for room, name_key, key_key, reference in kinds:
            for entry in self._entry.get(room, []):
                for each in entry.get("keyToEnv", []):
                    name = self._name(entry, f"{name_key}Parameter", name_key)
                    if name is None:
                        continue
                    optional = {"optional": entry["optional"]} if "optional" in entry else {}
                    source = {"key": each.get(key_key, ""), "name": name, **optional}
                    found.append({"name": each.get("envVar", ""), "valueFrom": {reference: source}})
        for entry in self._entry.get("fieldPathAsEnv", []):
            source = {"fieldPath": entry.get("fieldPath", "")}
            found.append({"name": entry.get("name", ""), "valueFrom": {"fieldRef": source}})
        if found:
            self._main["env"] = [*self._main.get("env", []), *found]

    def _simple_volumes(self) -> None:
        for entry in self._entry.get("genericEphemeralVolume", []):
            claim: dict[str, Any] = {"resources": {"requests": {"storage": canonical(entry.get("size", ""))}}}
            if entry.get("accessModes"):
                claim["accessModes"] = entry["accessModes"]
            if not entry.get("defaultStorageClass"):
                claim["storageClassName"] = entry.get("storageClassName", "")
            template = {"metadata": {"creationTimestamp": None, **entry.get("metadata", {})}, "spec": claim}
            volume = {"name": entry.get("volumeName", ""), "ephemeral": {"volumeClaimTemplate": template}}
            self._mount(volume, _at(volume["name"], entry))
        for entry in self._entry.get("emptyDirMounts", []):
            source = {"medium": entry["medium"]} if entry.get("medium") else {}
            if entry.get("sizeLimit"):
                source["sizeLimit"] = canonical(entry["sizeLimit"])
            name = entry.get("volumeName", "")
            self._mount({"name": name, "emptyDir": source}, _at(name, entry))


def _at(name: str, entry: dict[str, Any]) -> dict[str, str]:
    return {"mountPath": entry.get("mountPath", ""), "name": name}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DriverError(f"the name of a secret, claim or map is a text that is not empty, received {value!r}")
    return value
