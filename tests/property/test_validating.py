"""Validation of nasty logs: it says what the stream then does with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given

from kpis.customer.state import decode
from kpis.members.view import View, all_time
from schemas.decoding import rules
from schemas.documents.validation import ValidationReport
from streams.settings.settings import Settings
from tenure.files.notation import Notation
from tenure.files.reader import EventFile
from tenure.files.replay import Replayed, replayed
from tenure.reports.without_effect import EffectlessFacts
from tenure.stored.customers import scan_all
from tenure.stored.reading import report_of
from tenure.validation.files import validate_file
from tests.logs.logs import Log
from tests.property.cases import SHAPES, Case, bounded, cases, check_log, differences
from tests.settings import settings_of


async def _effectless(found: Replayed, settings: Settings) -> dict[str, int]:
    facts, window = EffectlessFacts(), all_time(settings.bucket_minutes * 60_000)
    async for part in scan_all(settings, found.tables, range(found.partitions)):
        for customer_id, state in part.states:
            facts.take(customer_id, View(decode(state), window, settings.what_counts), part.names, part.partition)
    return facts.counts


async def _done(path: Path, settings: Settings) -> dict[str, object]:
    """Return what the stream does with the events of a file."""
    found = await replayed(str(path), settings, Notation())
    at_ms = [rules.EARLIEST_MS]
    (report,) = await report_of(settings, found.tables, partitions=found.partitions, at_ms=at_ms)
    events = report.events
    return {
        "applied": events.applied,
        "repeated": events.duplicate,
        "conflicts": events.conflict,
        "tests": events.test,
        "refused": {reason: count for reason, count in sorted(events.dead_letters.items()) if count},
        "without_effect": await _effectless(found, settings),
    }


def _said(report: ValidationReport) -> dict[str, object]:
    refused: dict[str, int] = {}
    for kind, found in report.refusals.items():
        reason = kind.split(",", maxsplit=1)[0]
        refused[reason] = refused.get(reason, 0) + found.count
    return {
        "applied": report.applied,
        "repeated": report.repeated,
        "conflicts": report.conflicts,
        "tests": report.tests,
        "refused": dict(sorted(refused.items())),
        "without_effect": {kind: found.count for kind, found in report.without_effect.items()},
    }


def _wrong(log: Log) -> list[str]:
    settings = settings_of(log.options)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.ndjson"
        path.write_bytes(b"".join(record + b"\n" for record in log.records))
        report = validate_file(EventFile(str(path)), settings, as_of_ms=rules.LATEST_MS)
        done = asyncio.run(_done(path, settings))
    sums = report.applied + report.repeated + report.tests + report.refused
    by_type = [sum(getattr(each, name) for each in report.types.values()) for name in ("records", "applied", "refused")]
    return [
        *differences(_said(report), done),
        *differences(sums, report.records, "sum"),
        *differences(by_type, [report.records, report.applied, report.refused], "by type"),
        *(["no JSON"] if msgspec.json.decode(msgspec.json.encode(report)) is None else []),
    ]


@bounded(25)
@given(cases(*SHAPES))
def test_what_validation_says_is_what_the_stream_does(case: Case) -> None:
    """A dry run that promises something else is worse than none."""
    check_log(case, case.log(), _wrong)
