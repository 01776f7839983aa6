"""The map of what the articles ask for: complete, and true of what there is."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple, get_args

import pytest

from docgen.commands import commands
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.ratios import RATIOS
from schemas.events import EVENT_TYPES, SurveyWay
from streams.settings.settings import Settings
from tests.docs.pages import ROOT, text_of

PAGE: Final = "docs/asks.md"
ASKS: Final = 57
OUT: Final = "Out of scope, because "


class Ask(NamedTuple):
    """A row of the page."""

    ask: str
    answer: str

    @property
    def names(self) -> list[str]:
        """The names that the answer has as code."""
        return re.findall(r"`([^`]+)`", self.answer)


def asks() -> list[Ask]:
    """Return the rows of the page."""
    rows = [line.strip("| ").split(" | ") for line in text_of(PAGE).splitlines() if line.startswith("| ")]
    return [Ask(*row) for row in rows if row not in (["ask", "answer"], ["---", "---"])]


@cache
def known() -> set[str]:
    """Return all names that a reader can look up."""
    found = {f"tenure {name}" for name in commands()}
    found |= {each.name for each in (*COUNTS, *RATIOS)} | set(Settings.model_fields) | set(get_args(SurveyWay))
    for event_type in EVENT_TYPES:
        found |= {event_type.TYPE, *event_type.__struct_fields__}
    found |= {option for command in commands().values() for each in command.params for option in each.opts}
    return found | {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}


def test_every_ask_has_one_row() -> None:
    """One that is left out is one that nobody answers."""
    found = [each.ask for each in asks()]
    assert len(found) == ASKS
    assert len(set(found)) == ASKS


@pytest.mark.parametrize("ask", asks(), ids=lambda each: each.ask)
def test_answer_names_what_there_is_or_says_why_there_is_nothing(ask: Ask) -> None:
    """A name that was changed leads nowhere."""
    assert ask.names or ask.answer.startswith(OUT), ask.answer
    assert [name for name in ask.names if name not in known()] == []
