"""The end of a command that has read a file of events: what became of them, on standard error.

What is found, and how: `tenure.files.findings` and `tenure.files.inspection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.wording import counted
from streams.errors import CheckFailed
from streams.readable import readable, visible
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import UnsetType

    from schemas.documents.translation import FileTranslation
    from tenure.files.findings import Findings


def say_findings(
    file: str, counts: Mapping[str, int], findings: Findings, translation: FileTranslation | UnsetType
) -> None:
    """Say how many events became what, and what was found about them; nothing of it on standard output.

    Args:
        file: As the user named it.
        counts: Of records, by what became of them; of 0 nothing is said, but for the first.
        findings: About its events.
        translation: What became of records of another system.
    """
    name = "standard input" if file == "-" else readable(file)
    if translation:
        say(visible(f"{name}: {_translated(translation)}"), err=True)
    told = ", ".join(f"{number:,} {name}" for n, (name, number) in enumerate(counts.items()) if number or not n)
    say(f"{name}: {told}", err=True)
    for line in findings.lines():
        say(visible(line), err=True)
    for kind, number in translation.ignored.items() if translation else ():
        say(visible(f"ignored, {kind}: {number:,}"), err=True)


def _translated(translation: FileTranslation) -> str:
    became = {
        "event" if translation.events == 1 else "events": translation.events,
        "ignored": sum(translation.ignored.values()),
        "not understood": sum(translation.refused.values()),
    }
    told = ", ".join(f"{number:,} {name}" for name, number in became.items() if number) or "no events"
    return f"{counted(translation.records, 'records')} of {translation.adapter}: {told}"


def check_nothing_refused(refused: int, records: int, *, more: str = "") -> None:
    """Raise CheckFailed where any record was refused.

    Args:
        refused: Records (count).
        records: All of them (count).
        more: Where else to look.
    """
    if refused:
        were = "was" if refused == 1 else "were"
        raise CheckFailed(f"{refused:,} of {counted(records, 'events')} {were} refused; see above{more}")


def check_anything_translated(translation: FileTranslation | UnsetType) -> None:
    """Raise CheckFailed where all records of another system were ignored: a wrong option has that effect.

    Args:
        translation: What became of the records; of what was ignored the most frequent kind first.
    """
    if translation and translation.records and not (translation.events or translation.refused):
        records = f"{counted(translation.records, 'records')} of {translation.adapter}"
        kind, number = next(iter(translation.ignored.items()))
        raise CheckFailed(visible(f"{records}: all ignored, and no event in them; {number:,} {kind}"))
