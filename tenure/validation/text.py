"""The report of a validation as text, at most 100 characters wide: the verdict, then refusals, then questions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from schemas.documents.validation import FoundEvents, ValidationReport
from schemas.wording import counted, in_words
from streams.readable import readable, visible

WIDTH: Final = 100
_COLUMNS: Final = ("records", "applied", "repeated", "tests", "refused")
_OF_ABSENT: Final = {
    "survey": "NPS, CSAT",
    "renewal": "renewal rate",
    "onboarding": "onboarding rate",
    "activity": "engagement, silent drop-off",
}
"""KPIs that are empty without a type."""


def report_lines(report: ValidationReport) -> Iterator[str]:
    """Yield the lines of a report; nothing in them obeys a terminal."""
    for line in _lines(report):
        yield visible(line)


def verdict_of(report: ValidationReport) -> str:
    """Return what to do next, in one sentence."""
    asked = len(report.questions)
    questions = f"answer {'the question' if asked == 1 else f'the {asked} questions'} below"
    if not report.records:
        return "There is no event in it."
    if report.refused:
        more = f", and {questions}" if asked else ""
        return f"Mend what would be refused{more}."
    if any(question.weight == "high" for question in report.questions):
        return f"Nothing would be refused; {questions} before numbers are believed."
    if asked:
        return f"Nothing would be refused; {questions} when there is time."
    return "Nothing would be refused, and there is nothing to ask: it can be sent."


def _lines(report: ValidationReport) -> Iterator[str]:
    yield from _wrapped(_summary(report), "", "  ")
    yield from _wrapped(verdict_of(report), "", "  ")
    name = "standard input" if report.source == "-" else readable(report.source)
    if report.first is None:
        yield from _wrapped(name, "", "  ")
    else:
        span = f"{counted(report.customers, 'customers')}, {report.first} to {report.last}"
        yield from _wrapped(f"{name}: {span}", "", "  ")
    if report.translation is not UNSET:
        done = report.translation
        ignored = sum(done.ignored.values())
        said = f"{counted(done.records, 'records')} of {done.adapter} say {counted(done.events, 'events')}; "
        yield from _wrapped(said + f"{ignored:,} say nothing that is counted", "", "  ")
    if report.copies:
        yield f"{counted(report.copies, 'records')} that workers sent on are counted where they lay first"
    yield from _table(report)
    yield from _section("Refused", report.refusals)
    yield from _section("Mended", report.mended)
    yield from _section("Without effect", report.without_effect)
    if report.ignored is not UNSET:
        members = {
            name: FoundEvents(
                count=each.count,
                examples=each.examples,
                advice=[f"did you mean {each.meant}?"] if each.meant else [],
            )
            for name, each in report.ignored.members.items()
        }
        yield from _section("Ignored members", members)
        if report.ignored.more:
            yield f"  and {counted(report.ignored.more, 'more names')}"
    yield from _repetitions(report)
    yield from _questions(report)
    yield from _rest(report)


def _summary(report: ValidationReport) -> str:
    """Return the numbers that add up to all events."""
    rest = {
        "refused": report.refused,
        "repeated": report.repeated,
        "test" if report.tests == 1 else "tests": report.tests,
    }
    told = ", ".join(f"{number:,} {name}" for name, number in rest.items() if number)
    return f"{report.applied:,} of {counted(report.records, 'events')} would be applied{': ' if told else ''}{told}"


def _table(report: ValidationReport) -> Iterator[str]:
    if not report.types:
        return
    yield ""
    yield f"{'type':12}" + "".join(f"{column:>12}" for column in _COLUMNS)
    for name, counts in report.types.items():
        yield f"{name:12}" + "".join(f"{getattr(counts, column):>12,}" for column in _COLUMNS)


def _section(title: str, kinds: Mapping[str, FoundEvents]) -> Iterator[str]:
    if not kinds:
        return
    yield ""
    yield title
    for name, found in kinds.items():
        yield from _wrapped(f"{found.count:>7,}  {readable(name)}", "", " " * 9)
        yield from _examples(found.examples, found.advice)


def _examples(examples: Sequence[str], advice: Sequence[str]) -> Iterator[str]:
    for example in examples:
        yield from _wrapped(example, " " * 9, " " * 11)
    for each in advice:
        yield from _wrapped(each, " " * 9 + "-> ", " " * 12)


def _repetitions(report: ValidationReport) -> Iterator[str]:
    if report.repeated:
        yield ""
        yield "Repeated"
        again = f"{report.repeated:>7,}  under an id that is known: sending again changes nothing"
        yield from _wrapped(again, "", " " * 9)
        yield from _examples(report.repetitions, ())


def _questions(report: ValidationReport) -> Iterator[str]:
    if not report.questions:
        return
    yield ""
    yield "Questions"
    for asked in report.questions:
        of = "" if asked.of is None else f" of {asked.of:,}"
        yield from _wrapped(f"{asked.weight:6} {asked.count:,}{of} {asked.what} ({asked.name})", "  ", " " * 9)
        yield from _examples(asked.examples, [asked.advice])


def _rest(report: ValidationReport) -> Iterator[str]:
    empty = [f"{name} ({_OF_ABSENT[name]})" for name in report.absent if name in _OF_ABSENT]
    if empty and report.applied:
        yield ""
        yield from _wrapped(f"Not in it, so that these stay empty: {in_words(empty)}", "", "  ")
    if report.gave_up:
        yield ""
        yield "Not counted to the end"
        for each in report.gave_up:
            yield from _wrapped(each, "  ", "    ")


def _wrapped(text: str, lead: str, indent: str) -> list[str]:
    shown = visible(text)
    return textwrap.wrap(
        shown, WIDTH, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )
