"""The unit of systemd: what it promises of secrets, restarts and rights, and that systemd takes it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.tidy.repository import ROOT

UNIT: Final = ROOT / "deploy" / "systemd" / "tenure-worker@.service"


def values(name: str) -> list[str]:
    """Return what the unit says under a name, in order."""
    lines = [line.partition("=") for line in UNIT.read_text().splitlines() if not line.startswith(("#", "["))]
    return [value for key, _, value in lines if key == name]


def test_a_worker_is_started_again_and_keeps_its_partitions() -> None:
    """A machine that restarts at night is nobody's task."""
    assert (values("Restart"), values("StartLimitIntervalSec")) == (["always"], ["0"])
    assert "TENURE_INSTANCE_ID=%H-%i" in values("Environment")
    assert values("ExecStart") == ["/opt/tenure/bin/tenure worker"]


def test_secrets_are_credentials_and_no_right_is_left() -> None:
    """An environment is seen by whoever may list processes."""
    assert values("LoadCredential") == ["redis-url:/etc/tenure/redis-url"]
    assert "TENURE_REDIS_URL_FILE=%d/redis-url" in values("Environment")
    assert values("User") == ["tenure"]
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "ProtectKernelTunables"):
        assert values(name) == ["yes"], name
    assert values("CapabilityBoundingSet") == [""]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """A directive that is misspelt is ignored with a warning that nobody reads."""
    text = UNIT.read_text().replace("/opt/tenure/bin/tenure", shutil.which("true") or "/bin/true")
    copy = tmp_path / "tenure-worker@1.service"
    copy.write_text(text)
    program = shutil.which("systemd-analyze")
    said = "" if program is None else _verified(program, copy)
    assert said == ""


def _verified(program: str, unit: Path) -> str:
    found = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    return "".join(line for line in found.stderr.splitlines() if unit.name in line)
