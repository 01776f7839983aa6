"""`make fuzz`: records changed again and again, guided by what code they reach; counts what becomes of them.

With a module `atheris` on the path, it chooses what is changed further, by coverage; without, chance does. The native
part is compiled with sanitizers by `make fuzz` for one more round on all records that were found.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

#: Variants of each record that was chosen, read at once: choosing costs more than reading.
VARIANTS: Final = 16
#: The share of records that are changes of sound ones: what was changed often is refused at the first look.
SOUND: Final = 0.5


class Campaign:
    """Reads variants of records, and keeps those whose reading raised something.

    Args:
        target: What reads; see `tests.fuzz.targets`.
        folder: Where faults and records that reached something new are kept.
    """

    def __init__(self, target: Any, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.records = 0
        self.faults: dict[str, bytes] = {}
        self.began = time.monotonic()

    def read(self, record: bytes) -> None:
        """Read a record; a fault is kept once for each place that it comes from."""
        self.records += 1
        try:
            self.target.read(record)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}"
            if place not in self.faults:
                self.faults[place] = record
                self.folder.mkdir(parents=True, exist_ok=True)
                name = hashlib.sha256(record).hexdigest()[:12]
                (self.folder / f"fault-{name}").write_bytes(record)
                print(f"{self.target.name}: {place}: {str(error)[:300]}\n  {record[:300]!r}", flush=True)

    def read_variants(self, record: bytes) -> None:
        """Read a record, and what comes of changing it."""
        from tests.fuzz.mutations import mutated  # noqa: PLC0415 - after what is instrumented

        random = Random(record)
        self.read(record)
        for _ in range(VARIANTS - 1):
            self.read(mutated(record, random))

    def summary(self) -> str:
        """Return a row of the table."""
        seconds = time.monotonic() - self.began
        outcomes = ", ".join(f"{name} {count:,}" for name, count in self.target.outcomes.most_common())
        return f"| {self.target.name} | {self.records:,} | {seconds:.0f} | {outcomes} | {len(self.faults)} |"


def by_chance(campaign: Campaign, seconds: float, seed: int, records: int | None = None) -> None:
    """Read variants of the seeds and of one another until the time is over, or so many have been read."""
    from tests.fuzz.mutations import mutated  # noqa: PLC0415

    random = Random(seed)
    seeds = list(campaign.target.seeds())
    pool = list(seeds)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (records is None or campaign.records < records):
        chosen = random.choice(seeds if random.random() < 0.7 else pool)
        campaign.read_variants(chosen)
        if len(pool) < 20_000:
            pool.append(mutated(chosen, random))


def by_coverage(campaign: Campaign, seconds: float, seed: int) -> None:
    """Let atheris choose; does not return where it ends the process, which is what libFuzzer does."""
    atheris = importlib.import_module("atheris")
    from tests.fuzz.mutations import mutated  # noqa: PLC0415

    corpus = campaign.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = list(campaign.target.seeds())
    for record in seeds:
        (corpus / f"seed-{hashlib.sha256(record).hexdigest()[:12]}").write_bytes(record)

    def change(data: bytes, largest: int, chance: int) -> bytes:
        random = Random(chance)
        if random.random() < SOUND:
            data = random.choice(seeds)
        changed: bytes = atheris.Mutate(data, largest) if random.random() < 0.2 else mutated(data, random)
        return changed[:largest]

    deadline = time.monotonic() + seconds

    def read(data: bytes) -> None:
        campaign.read_variants(data)
        if time.monotonic() > deadline:
            finish(campaign)

    options = ["fuzz", str(corpus), "-max_len=65536", f"-seed={seed}", "-rss_limit_mb=8192", "-timeout=60"]
    options.append(f"-artifact_prefix={campaign.folder}/")  # where it leaves records that took long
    atheris.Setup([*options, "-verbosity=0", "-print_final_stats=0"], read, custom_mutator=change)
    atheris.Fuzz()


def finish(campaign: Campaign) -> None:
    """Say what was found, and end this process: libFuzzer would end it with words of its own."""
    print(campaign.summary(), flush=True)
    os._exit(1 if campaign.faults else 0)


def instrumented(load: Callable[[], Any]) -> Any:
    """Load the code that is to be guided through, watched where atheris is there."""
    try:
        atheris = importlib.import_module("atheris")  # not on every machine
    except ImportError:
        return load()
    with atheris.instrument_imports(include=["schemas", "kpis", "tenure.gateway", "streams.routing"]):
        return load()


def _targets() -> Any:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - watched while it is loaded

    return TARGETS


def main() -> None:
    """Run one target; the exit code is 1 where it has a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("target", help="decoder, reader, fold, adapters or gateway")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--replay", action="store_true", help="read the records that were found before, once each")
    parser.add_argument("--native", type=Path, help="the folder of another build of kpis/native")
    asked = parser.parse_args()
    if asked.native is not None:
        from tests.unit.kpis.native.damage import load  # noqa: PLC0415 - before anything else of the product

        load(asked.native)
    targets = _targets() if asked.replay or asked.native is not None else instrumented(_targets)
    campaign = Campaign(targets[asked.target](), asked.folder / asked.target)
    if asked.replay:
        campaign.folder = asked.folder / f"{asked.target}-again"
        for path in sorted((asked.folder / asked.target).glob("**/*")):
            if path.is_file():
                campaign.read_variants(path.read_bytes())
    elif "atheris" in sys.modules:
        by_coverage(campaign, asked.seconds, asked.seed)
    else:
        by_chance(campaign, asked.seconds, asked.seed)
    finish(campaign)


if __name__ == "__main__":
    main()
