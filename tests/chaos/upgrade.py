"""A rolling upgrade under events, from the last version of the repository whose tables are of the version before.

The old workers go on until `tenure rebuild` of this version has made tables out of theirs; then they are replaced.
Source: docs/upgrading.md. Needs the repository's history.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Final

from kpis.customer.facts import STATE_VERSION
from services.installation import until
from services.process import NotReadyError
from tests.chaos.scene import Scene

FACTS: Final = "kpis/customer/facts.py"
#: What the version before does not know.
NEWER_TOPICS: Final = ("contact", "marks")
NEWER_SETTINGS: Final = ("TENURE_MOVEMENT_TOPIC",)
_SECONDS: Final = 240.0


def previous_revision() -> str | None:
    """Return the last revision whose tables were of the version before; None where history does not reach it."""
    sought = f"STATE_VERSION: Final = {STATE_VERSION}"
    log = ["git", "log", "--reverse", "--format=%H", f"-S{sought}", "--", FACTS]
    first = subprocess.run(log, check=True, capture_output=True, text=True).stdout.split()
    if not first:
        return None
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", f"{first[0]}^"], check=False, capture_output=True, text=True
    )
    return found.stdout.strip() or None


def lay_out(revision: str, folder: Path) -> None:
    """Write the files of a revision to a folder."""
    archive = subprocess.run(["git", "archive", revision], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def upgrade(scene: Scene, *, seconds: float) -> None:
    """Let the old version work for a while, then replace it as documented; events go on to come."""
    stream, old = scene.installation, scene.workers
    time.sleep(seconds)
    scene.until_recovered()
    print(f"{scene.sender.count:,} records, applied by the version before", flush=True)
    new = stream.worker()
    scene.workers = [*old, new]
    until(lambda: "tenure rebuild --yes" in new.get("/readyz")[1], "a new worker that waits", seconds=_SECONDS)
    assert scene.is_owned(), "the old workers go on"
    rebuild = scene.command("rebuild", "--yes")
    until(lambda: not rebuild.running, f"tables built anew: {rebuild.log}", seconds=_SECONDS)
    assert rebuild.wait() == 0, rebuild.output
    scene.workers = [new]
    for worker in old:
        worker.process.stop(seconds=60)
    scene.workers += [stream.worker() for _ in old[1:]]
    scene.until_recovered()
    print(f"{scene.sender.count:,} records, applied by this version", flush=True)


def main() -> int:
    """Run it; 1 where a number is another one."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.upgrade", description=__doc__)
    parser.add_argument("--redis", choices=("alone", "sentinel", "cluster"), default="cluster")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each version (%(default)s)")
    parser.add_argument("--rate", type=int, default=1_000, help="events a second (%(default)s)")
    asked = parser.parse_args()
    revision = previous_revision()
    if revision is None:
        print("no upgrade is tried: the repository's history does not reach the version before")
        return 0
    with tempfile.TemporaryDirectory(prefix="upgrade-") as folder:
        code, work = Path(folder) / "previous", Path(folder) / "scene"
        code.mkdir()
        work.mkdir()
        lay_out(revision, code)
        of_old = {"PYTHONPATH": str(code), "PYTHONPYCACHEPREFIX": ""}
        with Scene(
            work, kind=asked.redis, seed=1, rate=asked.rate, settings=of_old, leave_out=(NEWER_TOPICS, NEWER_SETTINGS)
        ) as scene:
            try:
                upgrade(scene, seconds=asked.seconds)
                time.sleep(asked.seconds)
                records, a_second = scene.check()
            except (NotReadyError, AssertionError):
                print(*scene.state(), *scene.last_words(), sep="\n", file=sys.stderr)
                raise
    print(f"exact: {records:,} records, {a_second:,.0f} a second, from {revision[:10]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
