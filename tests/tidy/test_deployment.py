"""The files that the system is deployed with: whole, pinned, on loopback, and in step with the code.

There is no Docker where the tests run: what can be known without it is checked here.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.configuration import USUAL_PORTS
from docgen.commands import commands
from monitoring.dashboards.wording import RUNBOOKS
from streams.settings.settings import Settings
from tests.docs.pages import links_of
from tests.tidy.repository import PACKAGES, ROOT

COMPOSE = ROOT / "docker-compose.yml"
COMPOSE_OF_EXAMPLE = ROOT / "examples" / "producers" / "saas" / "docker-compose.yml"
# One runs to its end; the other sends and serves nothing that could be asked.
ONE_SHOT = {"topics", "company"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of docker-compose.yml, with its anchors resolved."""
    loaded = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("file", [COMPOSE, COMPOSE_OF_EXAMPLE], ids=["product", "example"])
def test_compose_file_keeps_to_the_compose_specification(file: Path) -> None:
    """A misspelt member is ignored by some versions of Docker Compose and refused by others."""
    _run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file))


def test_example_application_joins_the_services_of_the_product(services: dict[str, Any]) -> None:
    """It waits for topics that the product makes, and finds Kafka where the other containers do."""
    example = yaml.safe_load(COMPOSE_OF_EXAMPLE.read_text(encoding="utf-8"))
    assert [(COMPOSE_OF_EXAMPLE.parent / each["path"]).resolve() for each in example["include"]] == [COMPOSE.resolve()]
    (application,) = example["services"].values()
    assert set(application["depends_on"]) <= set(services)
    assert all(port.startswith("127.0.0.1:") for port in application["ports"])
    assert application["environment"]["KAFKA"] == services["worker-1"]["environment"]["TENURE_KAFKA_BOOTSTRAP"]


def test_every_image_has_a_version_of_its_own(services: dict[str, Any]) -> None:
    """`latest` is another system tomorrow."""
    unpinned = [n for n, service in services.items() if not re.search(r":v?\d+\.\d+\.\d+", service["image"])]
    assert unpinned == []


def test_every_port_is_open_to_this_machine_only(services: dict[str, Any]) -> None:
    """Neither Kafka nor Redis asks for a password here, and Docker's ports pass by the firewall."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) >= 5
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_service_that_stays_says_whether_it_is_well(services: dict[str, Any]) -> None:
    """What waits for another waits until it serves, not until it has started."""
    assert [n for n, service in services.items() if n not in ONE_SHOT and "healthcheck" not in service] == []


def test_every_service_that_is_waited_for_exists(services: dict[str, Any]) -> None:
    """Docker Compose says so only when it is started."""
    waited_for = {other for service in services.values() for other in service.get("depends_on", {})}
    assert waited_for - set(services) == set()


def test_topics_are_created_by_the_product_itself(services: dict[str, Any]) -> None:
    """A list of topics beside the settings' own would miss the next one; the worker refuses to start without it."""
    topics = services["topics"]
    assert topics["image"] == services["worker-1"]["image"]
    assert topics["command"][:2] == ["topics", "--create"]
    ours = {n: service for n, service in services.items() if service["image"] == topics["image"]}
    waiting = [n for n, service in ours.items() if "entrypoint" not in service and n != "topics"]
    conditions = {n: services[n]["depends_on"]["topics"]["condition"] for n in waiting}
    assert conditions == dict.fromkeys(["worker-1", "worker-2", "gateway", "company"], "service_completed_successfully")


@pytest.mark.parametrize("service", ["topics", "worker-1", "gateway", "company"])
def test_commands_of_the_compose_file_are_those_of_the_product(services: dict[str, Any], service: str) -> None:
    """A command or an option that was renamed would be refused at the first start."""
    name, *options = services[service]["command"]
    known = {option for parameter in commands()[name].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_nobody_is_let_in_by_a_password_that_everybody_knows(services: dict[str, Any]) -> None:
    """Grafana begins with admin and admin; here it begins without any administrator."""
    environment = services["grafana"]["environment"]
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    given = {name: value for service in services.values() for name, value in service.get("environment", {}).items()}
    secrets = {
        name: value for name, value in given.items() if any(word in name for word in ("PASSWORD", "SECRET", "TOKEN"))
    }
    assert [name for name, value in secrets.items() if value != f"${{{name}:-}}"] == []


def test_what_must_outlast_a_container_lies_in_a_volume(services: dict[str, Any]) -> None:
    """Events, tables, history and silences are gone with the container else."""
    loaded = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    kept = {name for name in mounted if not name.startswith(".")}
    assert kept == set(loaded["volumes"]) == {"kafka", "redis", "prometheus", "alertmanager", "grafana"}


def test_workers_are_given_settings_that_exist_and_hold(services: dict[str, Any]) -> None:
    """A setting that was renamed would be refused at the first start."""
    for name in ("worker-1", "worker-2"):
        environment = services[name]["environment"]
        settings = Settings(**{key.removeprefix("TENURE_").lower(): value for key, value in environment.items()})
        assert settings.instance_id == name


def test_two_workers_differ_in_their_name_and_port_only(services: dict[str, Any]) -> None:
    """A third worker is a copy; what else differed would be a trap."""
    first, second = services["worker-1"], services["worker-2"]
    assert {key for key in first if first[key] != second[key]} == {"environment", "ports"}


def test_redis_appends_every_write_and_never_evicts(services: dict[str, Any]) -> None:
    """The tables lie there and nowhere else."""
    command = services["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_links_of_alerts_lead_to_pages_that_are_served(services: dict[str, Any]) -> None:
    """Somebody who is woken up clicks, and reads no Markdown; the image has what makes pages of it."""
    documents = services["documents"]
    python, _, module, port, host = documents["entrypoint"]
    assert (python, module, host) == ("python", "devstack.documents", "0.0.0.0")  # noqa: S104 - inside of a container
    assert documents["ports"] == [f"127.0.0.1:{port}:{port}"]
    labels = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8"))["global"][
        "external_labels"
    ]
    assert labels["runbooks"] == f"http://127.0.0.1:{port}/runbooks"
    locked = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert all(f"\n{needed}==" in locked for needed in ("markdown-it-py", "pyyaml"))
    mounted = {volume.split(":")[0] for volume in documents["volumes"]}
    assert mounted == {"./devstack", "./services", "./docs"}


def test_every_mounted_file_exists(services: dict[str, Any]) -> None:
    """Docker makes an empty folder of a path that does not exist, and the service starts without its configuration."""
    mounts = [volume for service in services.values() for volume in service.get("volumes", [])]
    sources = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(sources) >= 3
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_image_runs_as_a_user_without_rights() -> None:
    """What breaks out of the process should be nobody."""
    last_stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    user = re.search(r"^USER (\d+)$", last_stage, re.MULTILINE)
    assert user is not None
    assert int(user[1]) >= 1000


def test_image_holds_every_package_and_nothing_floating() -> None:
    """What is not copied is missed at the first import, or the first page, on someone else's machine."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(PACKAGES) <= set(wheel["packages"])
    wanted = {*wheel["packages"], *wheel["shared-data"], *wheel["force-include"]}
    assert wanted <= set(re.findall(r"^COPY (\S+) \1$", text, re.MULTILINE))
    assert [path for path in wanted if not (ROOT / path).exists()] == []
    assert "--require-hashes" in text
    assert re.findall(r"--requirement (\S+)", text) == ["requirements/run.txt", "requirements/native.txt"]
    assert "COPY requirements/run.txt requirements/run.txt\n" in text
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-", base)] == []
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert [path for path in wanted if not any(f"{path}/".startswith(f"{each}/") for each in sent)] == []


def test_prometheus_accepts_its_configuration() -> None:
    """It would refuse to start with any other."""
    _run("promtool", "check", "config", "--lint=all", "--lint-fatal", "prometheus/prometheus.yml")


def test_alertmanager_accepts_its_configuration() -> None:
    """A page that cannot be sent is noticed by a customer."""
    _run("amtool", "check-config", "alertmanager/alertmanager.yml")


def test_prometheus_sends_alerts_where_alertmanager_listens(services: dict[str, Any]) -> None:
    """Alerts that fire and reach nobody look like a quiet night."""
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    receivers = [target for group in config["alerting"]["alertmanagers"] for target in group["static_configs"]]
    assert receivers == [{"targets": ["alertmanager:9093"]}]
    assert [path for pattern in config["rule_files"] for path in (ROOT / "prometheus").glob(pattern)] != []
    for name in ("prometheus", "alertmanager"):
        port = services[name]["ports"][0].split(":", 1)[1].split(":")[0]
        assert f"--web.external-url=http://127.0.0.1:{port}/" in services[name]["command"], name


def test_prometheus_reads_every_worker(services: dict[str, Any]) -> None:
    """A worker that is not read takes its partitions' customers out of every number."""
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {target for job in jobs if job["job_name"] == "tenure" for target in job["static_configs"][0]["targets"]}
    workers = {f"{n}:{s['environment']['TENURE_METRICS_PORT']}" for n, s in services.items() if n.startswith("worker")}
    assert targets == workers


def test_prometheus_reads_the_gateway(services: dict[str, Any]) -> None:
    """One that is down is noticed by its senders alone, who keep what they have for a while only."""
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (job,) = (job for job in jobs if job["job_name"] == "tenure-gateway")
    port = services["gateway"]["environment"]["TENURE_GATEWAY_PORT"]
    assert job["dns_sd_configs"] == [{"names": ["gateway"], "type": "A", "port": port}]
    assert services["gateway"]["profiles"] == ["gateway"]
    assert f"127.0.0.1:{port}:{port}" in services["gateway"]["ports"]


def test_grafana_is_given_its_source_and_the_folder_of_its_dashboards(services: dict[str, Any]) -> None:
    """A wrong path shows as an empty folder, without an error."""
    provisioning = ROOT / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    assert [entry["url"] for entry in source["datasources"]] == ["http://prometheus:9090"]
    providers = yaml.safe_load((provisioning / "dashboards" / "tenure.yml").read_text(encoding="utf-8"))["providers"]
    mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    assert {provider["options"]["path"] for provider in providers} <= mounted


def test_links_of_boards_lead_where_those_of_alerts_do_and_links_of_runbooks_to_what_is_served() -> None:
    """Grafana serves files as they are: raw Markdown, whose links nobody can click."""
    configured = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert configured["global"]["external_labels"]["runbooks"] == RUNBOOKS
    assert f"http://127.0.0.1:{USUAL_PORTS['documents']}/runbooks" == RUNBOOKS, "`make up` has no other place"
    folder = ROOT / "docs"
    runbooks = list((folder / "runbooks").glob("*.md"))
    links = [runbook.parent / link.split("#")[0] for runbook in runbooks for link in links_of(runbook)]
    assert len(links) > len(runbooks) > 20
    assert [link for link in links if not (link.resolve().exists() and link.resolve().is_relative_to(folder))] == []


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
