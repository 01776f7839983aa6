"""What producers of an earlier version send is still read, and as it was.

`versions/<version>/` holds, of each version that was given out, payloads with what was kept of them, and the schema.
They are never changed: a version that is given out adds a folder.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from docgen.json_schema import event_schema
from schemas.decoding.decoder import Decoder
from tests.unit.schemas.lines import line

FOLDERS = sorted((Path(__file__).parent / "versions").iterdir())
VERSIONS = [folder.name for folder in FOLDERS]
SCHEMA = event_schema()


@pytest.mark.parametrize("folder", FOLDERS, ids=VERSIONS)
def test_payloads_of_a_version_are_kept_as_they_were(folder: Path) -> None:
    """A log is read again from its beginning: an event that is read differently changes the past."""
    for text in (folder / "events.ndjson").read_text(encoding="utf-8").splitlines():
        payload = json.loads(text)
        decoded = Decoder().decode([line(payload["sent"])])
        assert decoded.refused == []
        kept = msgspec.to_builtins(decoded.events[0])
        assert payload["kept"].items() <= kept.items()
        assert (decoded.times, list(decoded.mended.get(0, ()))) == ([payload["at_ms"]], payload["mended"])


@pytest.mark.parametrize("folder", FOLDERS, ids=VERSIONS)
def test_payloads_of_a_version_fit_the_schema_of_today(folder: Path) -> None:
    """Producers test against the newest schema without changing a line of their own."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    lines = (folder / "events.ndjson").read_text(encoding="utf-8").splitlines()
    assert [text for text in lines if not validator.is_valid(json.loads(text)["sent"])] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=VERSIONS)
def test_schema_of_today_asks_no_more_than_that_of_a_version(folder: Path) -> None:
    """A new required member, a type that is gone or a choice that is taken away refuses what was right."""
    assert faults(json.loads((folder / "events.schema.json").read_text(encoding="utf-8")), SCHEMA) == []


def test_each_kind_of_breaking_change_is_found() -> None:
    """A check that finds nothing proves nothing."""
    changed = json.loads(json.dumps(SCHEMA))
    signup = changed["$defs"]["Signup"]
    signup["required"].append("country")
    signup["properties"]["mrr_minor"]["maximum"] = 10**6
    del signup["properties"]["trial"]
    changed["$defs"]["Survey"]["properties"]["kind"]["enum"].remove("csat")
    del changed["$defs"]["Renewal"]
    assert faults(SCHEMA, changed) == [
        "Renewal is gone",
        "Signup.country is required",
        "Signup.mrr_minor.maximum is 1000000, was 1000000000000",
        "Signup.trial is gone",
        "Survey.kind no longer takes csat",
    ]


def faults(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what of the events that fitted one schema may not fit another one, in words."""
    found = []
    for name, old in before["$defs"].items():
        new = after["$defs"].get(name)
        if new is None:
            found.append(f"{name} is gone")
            continue
        found += [f"{name}.{member} is required" for member in new.get("required", []) if member not in old["required"]]
        for member, rules in old["properties"].items():
            place = f"{name}.{member}"
            if member not in new["properties"]:
                found.append(f"{place} is gone")
            else:
                found += _narrowed(place, rules, new["properties"][member])
    return sorted(found)


def _narrowed(place: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = []
    for rule, is_wider in (("maximum", -1), ("maxLength", -1), ("minimum", 1), ("minLength", 1)):
        if rule in new and (rule not in old or is_wider * (new[rule] - old[rule]) > 0):
            found.append(f"{place}.{rule} is {new[rule]}, was {old.get(rule, 'not there')}")
    if "enum" in new:
        taken = [str(each) for each in old.get("enum", ["any value"]) if each not in new["enum"]]
        found += [f"{place} no longer takes {each}" for each in taken]
    kinds, former = _kinds(new), _kinds(old)
    if kinds and not former <= kinds:
        found.append(f"{place} no longer takes {', '.join(sorted(former - kinds))}")
    if new.get("pattern") not in (None, old.get("pattern")):
        found.append(f"{place} has another pattern")
    return found


def _kinds(rules: dict[str, Any]) -> set[str]:
    kinds = rules.get("type", [])
    return {kinds} if isinstance(kinds, str) else set(kinds)
