"""The manifests in deploy/kubernetes: valid, in step with each other and with the code, and without rights.

There is no cluster where the tests run: what can be known without one is checked here.
"""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from docgen.commands import commands
from streams.settings.settings import SECRETS, Settings
from tests.tidy.repository import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
#: Of operators that a cluster may have; their schemas are not Kubernetes' own.
CUSTOM = {"Kustomization", "ScaledObject", "PodMonitor"}
VERSIONS = ("1.30", "1.37")
WORKER = {"app.kubernetes.io/name": "tenure", "app.kubernetes.io/component": "worker"}


def manifest(name: str) -> dict[str, Any]:
    """Return the one object of a file."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def container_of(name: str) -> dict[str, Any]:
    """Return the one container of a workload."""
    (found,) = manifest(name)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [name for name in FILES if manifest(name)["kind"] not in CUSTOM])
def test_every_manifest_keeps_to_the_schema_of_kubernetes(name: str, version: str) -> None:
    """A misspelt member is dropped by some clusters without a word."""
    assert kubernetes_validate.validate(manifest(name), version, strict=True).startswith(version)


def test_a_misspelt_member_is_recognised() -> None:
    """The check above would pass for anything if it looked at nothing."""
    wrong = manifest("disruption.yaml")
    wrong["spec"]["maxUnavailabel"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_among_the_resources() -> None:
    """A file that is not applied is a promise that is not kept."""
    kustomization = manifest("kustomization.yaml")
    assert sorted([*kustomization["resources"], "kustomization.yaml"]) == FILES
    assert {container_of(name)["image"] for name in ("topics.yaml", "worker.yaml", "gateway.yaml")} == {"tenure"}
    assert [image["name"] for image in kustomization["images"]] == ["tenure"]


@pytest.mark.parametrize("name", ["topics.yaml", "worker.yaml", "gateway.yaml"])
def test_pods_run_without_rights_and_within_bounds(name: str) -> None:
    """What breaks out of the process should be nobody, and should take nobody's memory."""
    pod, container = manifest(name)["spec"]["template"]["spec"], container_of(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    name, *options = container["args"]
    known = {option for parameter in commands()[name].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_settings_of_the_manifests_exist_and_hold() -> None:
    """A setting that was renamed would be refused at the first start."""
    data = manifest("settings.yaml")["data"]
    plain = {key.removeprefix("TENURE_").lower(): value for key, value in data.items() if not key.endswith("_FILE")}
    settings = Settings(**plain)
    assert settings.metrics_host == "0.0.0.0"  # noqa: S104 - all of the pod's, of which there is one
    assert settings.gateway_host == "0.0.0.0"  # noqa: S104 - likewise
    (port,) = container_of("gateway.yaml")["ports"]
    service = manifest("gateway-service.yaml")["spec"]["ports"][0]
    assert port["containerPort"] == settings.gateway_port == service["port"]
    (port,) = container_of("worker.yaml")["ports"]
    assert port["containerPort"] == settings.metrics_port == manifest("service.yaml")["spec"]["ports"][0]["port"]


@pytest.mark.parametrize("name", ["topics.yaml", "worker.yaml", "gateway.yaml"])
def test_secrets_are_files_that_settings_name_and_the_page_makes(name: str) -> None:
    """What is in the environment is shown to whoever may look at a pod's processes, and written into crash dumps."""
    pod, container = manifest(name)["spec"]["template"]["spec"], container_of(name)
    assert [source for source in container["envFrom"] if "secretRef" in source] == []
    (mount,) = (each for each in container["volumeMounts"] if each["name"] == "secrets")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "secrets")
    assert mount["readOnly"] is True
    assert volume["secret"] == {"secretName": "tenure", "defaultMode": 0o440}
    assert pod["securityContext"]["fsGroup"] == 10001
    named = {key: value for key, value in manifest("settings.yaml")["data"].items() if key.endswith("_FILE")}
    assert {f"TENURE_{secret.upper()}_FILE" for secret in SECRETS} & set(named) == set(named) != set()
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    folder, _ = zip(*(value.rsplit("/", 1) for value in named.values()), strict=True)
    assert set(folder) == {mount["mountPath"]}
    assert [value for value in named.values() if f"--from-file={value.rsplit('/', 1)[1]}=" not in page] == []


def test_a_worker_is_the_same_member_when_it_comes_back() -> None:
    """Its partitions wait for its name; under a new one every restart moves them."""
    assert manifest("worker.yaml")["kind"] == "StatefulSet"
    environment = container_of("worker.yaml")["env"]
    assert [entry["name"] for entry in environment] == ["TENURE_INSTANCE_ID"]
    assert environment[0]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_a_worker_is_asked_for_its_health_where_it_answers() -> None:
    """A liveness probe of /readyz would kill a worker that loads its counters, again and again."""
    container = container_of("worker.yaml")
    paths = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert {probe: found["path"] for probe, found in paths.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {found["port"] for found in paths.values()} == {"metrics"}


def test_all_that_is_said_of_workers_is_said_of_the_pods_that_there_are() -> None:
    """A selector that matches nothing protects nothing, and nobody is told."""
    worker = manifest("worker.yaml")
    assert worker["spec"]["template"]["metadata"]["labels"] == WORKER
    assert worker["spec"]["selector"]["matchLabels"] == WORKER
    assert worker["spec"]["serviceName"] == manifest("service.yaml")["metadata"]["name"]
    assert manifest("service.yaml")["spec"]["selector"] == WORKER
    assert manifest("disruption.yaml")["spec"]["selector"]["matchLabels"] == WORKER
    assert manifest("monitoring.yaml")["spec"]["selector"]["matchLabels"] == WORKER
    assert manifest("network.yaml")["spec"]["podSelector"]["matchLabels"].items() <= WORKER.items()
    target = manifest("autoscaling.yaml")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (worker["kind"], worker["metadata"]["name"])


def test_a_worker_that_is_not_ready_is_read_all_the_same() -> None:
    """It counts what it can, and says what is wrong: without it the alert would have nothing to say."""
    assert manifest("service.yaml")["spec"]["publishNotReadyAddresses"] is True
    job = manifest("monitoring.yaml")["spec"]["jobLabel"]
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert WORKER[job] == jobs[0]["job_name"] == "tenure"


def test_all_that_is_said_of_gateways_is_said_of_the_pods_that_there_are() -> None:
    """A selector that matches nothing protects nothing, and that of the workers must not match them."""
    labels = manifest("gateway.yaml")["spec"]["template"]["metadata"]["labels"]
    assert manifest("gateway.yaml")["spec"]["selector"]["matchLabels"] == labels
    selectors = [
        manifest("gateway-service.yaml")["spec"]["selector"],
        manifest("gateway-disruption.yaml")["spec"]["selector"]["matchLabels"],
        manifest("gateway-monitoring.yaml")["spec"]["selector"]["matchLabels"],
        manifest("gateway-network.yaml")["spec"]["podSelector"]["matchLabels"],
    ]
    assert [selector for selector in selectors if not selector.items() <= labels.items()] == []
    assert not manifest("network.yaml")["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert labels[manifest("gateway-monitoring.yaml")["spec"]["jobLabel"]] in {job["job_name"] for job in jobs}


def test_a_gateway_has_the_time_to_answer_what_is_in_flight() -> None:
    """Kubernetes kills what is still there, and senders wait for an answer that never comes."""
    data = manifest("settings.yaml")["data"]
    settings = Settings(gateway_drain_seconds=data["TENURE_GATEWAY_DRAIN_SECONDS"])
    spec = manifest("gateway.yaml")["spec"]["template"]["spec"]
    needed = settings.gateway_drain_seconds + 2 * settings.gateway_timeout_seconds + 1
    assert spec["terminationGracePeriodSeconds"] > needed
    assert manifest("gateway.yaml")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert container_of("gateway.yaml")["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container_of("gateway.yaml")["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_there_are_never_more_workers_than_partitions() -> None:
    """A worker more than that owns nothing and costs as much."""
    arguments = container_of("topics.yaml")["args"]
    scaling = manifest("autoscaling.yaml")["spec"]
    assert scaling["maxReplicaCount"] == int(arguments[arguments.index("--partitions") + 1])
    assert scaling["minReplicaCount"] >= 2
    (trigger,) = scaling["triggers"]
    assert trigger["metadata"]["query"] == "sum(tenure_lag_records)"
    assert trigger["metadata"]["ignoreNullValues"] == "false"


def test_no_apply_sets_back_the_number_of_workers() -> None:
    """A manifest that names one takes workers away in the middle of a backlog; without KEDA the page says how."""
    assert "replicas" not in manifest("worker.yaml")["spec"]
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    said = re.search(r"`replicas: (\[.*\])`", page)
    assert said is not None
    (worker,) = yaml.safe_load(said[1])
    assert worker["name"] == manifest("worker.yaml")["metadata"]["name"]
    assert worker["count"] == manifest("autoscaling.yaml")["spec"]["minReplicaCount"]


def test_every_page_that_a_manifest_names_exists() -> None:
    """Whoever opens it in an editor has no link to follow."""
    named = [page for name in FILES for page in re.findall(r"\bdocs/\S+\.md\b", (FOLDER / name).read_text("utf-8"))]
    assert len(named) >= 3
    assert [page for page in named if not (ROOT / page).exists()] == []


def test_a_worker_has_the_time_to_leave_in_good_order() -> None:
    """Kubernetes kills what is still there; then its partitions wait for the session time-out."""
    spec = manifest("worker.yaml")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] >= 30
    assert manifest("disruption.yaml")["spec"]["maxUnavailable"] == 1
