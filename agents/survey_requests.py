"""Surveys that are due, on a schedule: the one agent that sends instead of reading.

It looks often, and does something once a bucket.
"""

from __future__ import annotations

from typing import Final

from streams.batching.application import App
from streams.surveys import SurveyScheduler

LOOK_SECONDS: Final = 2.0


def register(app: App, scheduler: SurveyScheduler) -> None:
    """Add the schedule to an application: as long as it runs, `scheduler` looks for what has fallen due."""

    @app.timer(interval=LOOK_SECONDS, name="tenure.survey-requests")  # type: ignore[untyped-decorator]
    async def survey_requests() -> None:
        await scheduler.look()
