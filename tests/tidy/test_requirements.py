"""The locked versions are those of pyproject.toml, complete and with their hashes."""

import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.tidy.repository import ROOT

PINNED = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>.*(?:\n +--hash=.*)*)", re.MULTILINE)


@cache
def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> dict[str, str]:
    """Return the versions of a lock file, by the distributions' normalised names."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert [found["name"] for found in PINNED.finditer(text) if "--hash=sha256:" not in found["rest"]] == []
    return {found["name"]: found["version"] for found in PINNED.finditer(text)}


def wanted(*groups: str) -> list[Requirement]:
    """Return the requirements of the product, its extras and some dependency groups."""
    lists = [project()["project"]["dependencies"], *project()["project"]["optional-dependencies"].values()]
    lists += [project()["dependency-groups"][group] for group in groups]
    return [Requirement(line) for group in lists for line in group if isinstance(line, str)]


@pytest.mark.parametrize(("lock", "groups"), [("run", ()), ("dev", ("check", "test", "site", "dev"))])
def test_every_requirement_is_locked_to_a_version_that_it_allows(lock: str, groups: tuple[str, ...]) -> None:
    """A lock that was not renewed installs what the code was not written for; `make lock` renews it."""
    versions = locked(lock)
    stale = [str(r) for r in wanted(*groups) if not r.specifier.contains(Version(versions.get(_normalised(r), "0")))]
    assert stale == []


def test_tools_of_the_audit_are_locked_too() -> None:
    """A bill of materials is worth as much as the tool that writes it."""
    versions = locked("audit")
    tools = [Requirement(line) for line in project()["dependency-groups"]["audit"]]
    assert [str(tool) for tool in tools if not tool.specifier.contains(Version(versions[_normalised(tool)]))] == []


def test_audit_looks_at_all_that_an_image_is_made_of() -> None:
    """What nobody looks at is where a known hole stays open."""
    installed = set(re.findall(r"--requirement (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    (audit,) = re.findall(r"pip-audit .*", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert set(re.findall(r"-r (\S+)", audit)) == installed


def test_what_checks_and_tests_run_with_is_what_users_run_with() -> None:
    """Otherwise a green build says nothing about the demo."""
    run, dev = locked("run"), locked("dev")
    assert len(run) > 20
    assert {name: dev.get(name) for name in run} == run


def test_version_of_the_product_is_that_of_its_image() -> None:
    """An image that is named after another release is started by mistake."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"image: tenure:{project()['project']['version']}\n" in compose


def test_kafka_of_the_tests_is_the_kafka_of_the_compose_file() -> None:
    """What was tried is what is started."""
    pom = (ROOT / "services" / "pom.xml").read_text(encoding="utf-8")
    tried = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert tried is not None
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"apache/kafka:(\S+)", compose)) == {tried[1]}


def test_product_is_not_for_upload() -> None:
    """Its packages stand at the top level under names that belong to others elsewhere."""
    assert "Private :: Do Not Upload" in project()["project"]["classifiers"]


def test_continuous_integration_runs_what_a_developer_runs() -> None:
    """A check that only one of the two makes is found out too late by the other."""
    script = Path(ROOT / ".ci" / "run")
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "exec make test"
    assert script.stat().st_mode & 0o111


def _normalised(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def test_the_environment_brings_no_redis_of_its_own_under_the_name_of_the_machines() -> None:
    """Once it is activated, `redis-server` would be an old one, without what tests and documents say of it."""
    brought = [path.name for path in (Path(sys.prefix) / "bin").glob("redis-*")]
    assert brought == [], "make the environment anew: tools/make-venv dev"
