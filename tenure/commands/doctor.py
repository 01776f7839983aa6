"""`tenure doctor`: looks at the whole installation, and says what to do about each finding."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from schemas.wording import counted
from streams.readable import readable
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenure.doctor.findings import Diagnosed

_WIDTH = 100


def doctor(
    prometheus: Annotated[
        str | None,
        typer.Option("--prometheus", metavar="URL", help="Address of Prometheus.", show_default="not looked at"),
    ] = None,
    alertmanager: Annotated[
        str | None,
        typer.Option(
            "--alertmanager", metavar="URL", help="Address of Alertmanager.", show_default="the one Prometheus knows"
        ),
    ] = None,
    grafana: Annotated[
        str | None,
        typer.Option(
            "--grafana",
            metavar="URL",
            help="Address of Grafana, user and password in it.",
            show_default="not looked at",
        ),
    ] = None,
    test_page: Annotated[
        Literal["page", "warn", "info"] | None,
        typer.Option("--test-page", help="Send an alert of this severity; it ends by itself after five minutes."),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Look at Kafka, Redis, the topics, the stream, its producers, Prometheus, Alertmanager and Grafana.

    Each finding says what to do about it. Nothing is changed, and nothing is sent but with --test-page. Ends with 1 if
    there is a fault: something does not work, or numbers are wrong or incomplete.
    """
    from schemas.documents.doctor import DoctorReport
    from streams.errors import CheckFailed
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.doctor.checks import Addresses, findings
    from tenure.doctor.findings import Level

    asked = findings(settings, Addresses(prometheus, alertmanager, grafana), test_page)
    with quiet_logs():
        found = run_until_stopped(_told(asked, quiet=as_json))
    faults, warnings = (sum(each.level is level for each in found) for level in (Level.FAULT, Level.WARNING))
    if as_json:
        documents = [each.document() for each in found]
        print_json(DoctorReport(faults=faults, warnings=warnings, findings=documents))
    if faults:
        raise CheckFailed(f"{counted(faults, 'faults')} found")


async def _told(asked: AsyncIterator[Diagnosed], *, quiet: bool) -> list[Diagnosed]:
    """Return all findings; each is printed as soon as it is found, unless quiet."""
    found = []
    async for finding in asked:
        found.append(finding)
        if not quiet:
            say(_text(finding))
    return found


def _text(finding: Diagnosed) -> str:
    import textwrap

    lead = f"{finding.level.value:8}{finding.area:14}"
    indent = " " * len(lead)
    lines = textwrap.wrap(readable(finding.what), _WIDTH, initial_indent=lead, subsequent_indent=indent)
    if finding.advice:
        lines += textwrap.wrap(
            readable(finding.advice), _WIDTH, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   "
        )
    return "\n".join(lines)
