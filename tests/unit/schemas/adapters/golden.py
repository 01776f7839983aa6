"""Golden files: records of other systems as they send them, and beside each file the events that they come to.

A folder of `tests/golden` is one installation of a source: `options.toml` has the table of its adapter. For `x.ndjson`
the file `x.events.ndjson` holds one line for each record: what the record comes to.
"""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from schemas.adapters.adapter import Adapter, Translation
from schemas.adapters.registry import adapter_of
from tests.tidy.repository import ROOT

GOLDEN = ROOT / "tests" / "golden"
ENDING = ".events.ndjson"


class GoldenFile(NamedTuple):
    """One file of records, and what they come to."""

    records: Path

    @property
    def name(self) -> str:
        """Its folder and name, such as `table/subscriptions`."""
        return f"{self.records.parent.name}/{self.records.stem}"

    @property
    def adapter(self) -> Adapter:
        """The adapter of its folder, with the folder's options."""
        options = tomllib.loads((self.records.parent / "options.toml").read_text(encoding="utf-8"))
        ((name, table),) = options.items()
        return adapter_of(name, table)

    @property
    def values(self) -> list[bytes]:
        """Its records."""
        return self.records.read_bytes().splitlines()

    @property
    def expected(self) -> list[dict[str, Any]]:
        """What each of its records comes to, in the form of `outcome`."""
        lines = self.records.with_name(self.records.stem + ENDING).read_bytes().splitlines()
        return [msgspec.json.decode(line) for line in lines]


def golden_files(*adapters: str) -> list[GoldenFile]:
    """Return the files of the folders whose names begin with those of adapters."""
    files = sorted(path for path in GOLDEN.glob("*/*.ndjson") if not path.name.endswith(ENDING))
    return [GoldenFile(path) for path in files if path.parent.name.split("-")[0] in adapters]


def outcome(translation: Translation) -> dict[str, Any]:
    """Return what a record came to as JSON has it: its events, what is ignored, or why it is refused."""
    if translation.refusal is not None:
        return {"refused": f"{translation.refusal.reason} {translation.refusal.detail}"}
    if translation.ignored:
        return {"ignored": translation.ignored}
    events: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(translation.events))
    return {"events": events}
