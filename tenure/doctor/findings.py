"""Findings of `tenure doctor`: what was looked at, what was found, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from schemas.documents.doctor import DoctorFinding


class Level(StrEnum):
    """The weight of a finding."""

    OK = "ok"
    #: could not be looked at: nobody named an address
    SKIPPED = "skipped"
    #: works, and wants attention
    WARNING = "warning"
    #: does not work, or numbers are wrong or incomplete
    FAULT = "fault"


class Diagnosed(NamedTuple):
    """One thing that was looked at.

    Attributes:
        area: Part of the installation: settings, kafka, redis, stream, producers, prometheus, alertmanager, grafana.
        level: Its weight.
        what: What was found, with values.
        advice: What to do; empty where there is nothing to do.
    """

    area: str
    level: Level
    what: str
    advice: str = ""

    def document(self) -> DoctorFinding:
        """Return it as `tenure doctor --json` prints it."""
        return DoctorFinding(area=self.area, level=self.level.value, what=self.what, advice=self.advice)


def ok(area: str, what: str) -> Diagnosed:
    """Return a finding that wants nothing."""
    return Diagnosed(area, Level.OK, what)


def warning(area: str, what: str, advice: str) -> Diagnosed:
    """Return a finding that wants attention."""
    return Diagnosed(area, Level.WARNING, what, advice)


def fault(area: str, what: str, advice: str = "") -> Diagnosed:
    """Return a finding that wants to be mended; what is found may say itself what to do."""
    return Diagnosed(area, Level.FAULT, what, advice)
